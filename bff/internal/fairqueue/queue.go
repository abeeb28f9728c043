// Package fairqueue holds a bounded queue that many accounts share, so that a flood
// of one account pushes out no other account's entries.
package fairqueue

import (
	"slices"
	"sync"
)

// Queue is a bounded queue that many accounts share, first in, first out.
// When it is full, the account that has most in it loses its newest: one
// account's flood pushed the others' entries out. Of accounts with equally many,
// the newest item goes.
//
// It counts as items come and go. Counting all of them at each push took a
// millisecond, on the way of every request while the session store was away.
type Queue[T any] struct {
	most  int
	keyOf func(T) string // the account that an item counts for
	ready chan struct{}  // holds a token while there is something to pop

	mu       sync.Mutex
	items    []T
	held     map[string]int // items of each account
	accounts map[int]int    // how many accounts have so many items; for 0 it means nothing
	heaviest int            // the most items that an account has
}

// New gives an empty queue of so many items; keyOf names the account of each.
func New[T any](most int, keyOf func(T) string) *Queue[T] {
	return &Queue[T]{
		most: most, keyOf: keyOf, ready: make(chan struct{}, 1), held: map[string]int{}, accounts: map[int]int{},
	}
}

// Ready receives while the queue holds something to pop.
func (q *Queue[T]) Ready() <-chan struct{} { return q.ready }

// Push adds an item, and gives back what had to go for it when the queue is
// full, perhaps the item itself.
func (q *Queue[T]) Push(item T) (dropped T, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.signal()
	q.items = append(q.items, item)
	q.count(item, 1)
	if len(q.items) <= q.most {
		return dropped, false
	}
	for i, x := range slices.Backward(q.items) {
		if q.held[q.keyOf(x)] == q.heaviest {
			q.items = slices.Delete(q.items, i, i+1)
			q.count(x, -1)
			return x, true
		}
	}
	return dropped, false // not reached: one is the heaviest
}

// Pop takes the oldest, n at most.
func (q *Queue[T]) Pop(n int) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.items))
	taken := slices.Clone(q.items[:n])
	for _, x := range taken {
		q.count(x, -1)
	}
	clear(q.items[:n]) // or they would stay in memory
	if q.items = q.items[n:]; len(q.items) > 0 {
		q.signal()
	}
	return taken
}

func (q *Queue[T]) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// count notes that the account of x has one item more, or less.
func (q *Queue[T]) count(x T, change int) {
	key := q.keyOf(x)
	was := q.held[key]
	is := was + change
	add(q.held, key, change)
	add(q.accounts, was, -1)
	add(q.accounts, is, 1)
	q.heaviest = max(q.heaviest, is)
	if q.accounts[q.heaviest] == 0 {
		q.heaviest = is // by one less than before, and no other had as many
	}
}

// add leaves out what is 0.
func add[K comparable](counts map[K]int, key K, n int) {
	if counts[key] += n; counts[key] == 0 {
		delete(counts, key)
	}
}
