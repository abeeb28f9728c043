package auth

import (
	"slices"
	"sync"
)

// fairQueue is a bounded queue that many accounts share, first in, first out.
// When it is full, the account that has most in it loses its newest: one
// account's flood pushed the others' entries out.
type fairQueue[T any] struct {
	most  int
	keyOf func(T) string // the account that an item counts for
	ready chan struct{}  // holds a token while there is something to pop

	mu    sync.Mutex
	items []T
}

func newFairQueue[T any](most int, keyOf func(T) string) *fairQueue[T] {
	return &fairQueue[T]{most: most, keyOf: keyOf, ready: make(chan struct{}, 1)}
}

// push adds an item, and gives back what had to go for it when the queue is
// full, perhaps the item itself.
func (q *fairQueue[T]) push(item T) (dropped T, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items, dropped, full = addFairly(q.items, item, q.most, q.keyOf)
	q.signal()
	return dropped, full
}

// pop takes the oldest, n at most.
func (q *fairQueue[T]) pop(n int) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.items))
	taken := slices.Clone(q.items[:n])
	if q.items = slices.Delete(q.items, 0, n); len(q.items) > 0 {
		q.signal()
	}
	return taken
}

func (q *fairQueue[T]) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// addFairly appends item to a list of at most so many. When there would be more,
// the account with most items loses its newest; of equal accounts, the newest.
func addFairly[T any](items []T, item T, most int, keyOf func(T) string) (list []T, dropped T, full bool) {
	items = append(items, item)
	if len(items) <= most {
		return items, dropped, false
	}
	held := map[string]int{}
	heaviest := 0
	for _, x := range items {
		held[keyOf(x)]++
		heaviest = max(heaviest, held[keyOf(x)])
	}
	for i, x := range slices.Backward(items) {
		if held[keyOf(x)] == heaviest {
			return slices.Delete(items, i, i+1), x, true
		}
	}
	return items, dropped, false // not reached: one is the heaviest
}
