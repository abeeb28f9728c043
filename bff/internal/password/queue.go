package password

import (
	"context"
	"sync"
)

// Party is what a computation counts for: the account that is signed in to, made
// or changed, and the network that the request comes from. "" is not counted
// (an operator's command).
type Party struct {
	Account string
	Network string
}

// queue bounds how many compute at once and how many wait. At most half of it
// is for one account, and half for one network: one address with device
// cookies filled it, and all others got ErrBusy.
type queue struct {
	slots chan struct{} // one per computation under way
	size  int           // callers, waiting or computing
	share int           // of those, for one account or network

	mu       sync.Mutex
	inside   int
	accounts map[string]int // what is at 0 is deleted: no more keys than size
	networks map[string]int
}

func newQueue(concurrent, waiting int) *queue {
	size := concurrent + waiting
	return &queue{
		slots: make(chan struct{}, concurrent), size: size, share: max(1, size/2),
		accounts: map[string]int{}, networks: map[string]int{},
	}
}

// enter takes a place, or reports that there is none for party.
func (q *queue) enter(party Party) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.inside >= q.size || q.accounts[party.Account] >= q.share || q.networks[party.Network] >= q.share {
		return false
	}
	q.inside++
	if party.Account != "" {
		q.accounts[party.Account]++
	}
	if party.Network != "" {
		q.networks[party.Network]++
	}
	return true
}

func (q *queue) leave(party Party) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inside--
	countDown(q.accounts, party.Account)
	countDown(q.networks, party.Network)
}

func countDown(counts map[string]int, key string) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.inside
}

// acquireHash is acquire for a computation of bcrypt, which observers time. To
// judge a password takes a thousandth of that, and would make hashing look quick.
func (h *Hasher) acquireHash(ctx context.Context, party Party) (release func(), err error) {
	leave, err := h.acquire(ctx, party)
	if err != nil {
		return nil, err
	}
	ended := h.observe.begins()
	return func() { ended(); leave() }, nil
}

// acquire waits for a turn.
func (h *Hasher) acquire(ctx context.Context, party Party) (release func(), err error) {
	if !h.queue.enter(party) {
		if h.observe.Refused != nil {
			h.observe.Refused()
		}
		return nil, ErrBusy
	}
	select {
	case h.queue.slots <- struct{}{}:
		return func() { <-h.queue.slots; h.queue.leave(party) }, nil
	case <-ctx.Done():
		h.queue.leave(party)
		return nil, ctx.Err()
	}
}
