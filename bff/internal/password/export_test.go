package password

import (
	"context"
	"fmt"
)

// Occupy takes the place of one hash under way until release is called.
func (h *Hasher) Occupy(ctx context.Context, who Party) (release func(), err error) {
	return h.acquireHash(ctx, who)
}

// Check is what Judge computes in its place of the queue.
func Check(pw, emailName string, others ...string) string { return check(pw, emailName, others...) }

// Counted is how many accounts and networks the queue remembers.
func (h *Hasher) Counted() int {
	h.queue.mu.Lock()
	defer h.queue.mu.Unlock()
	return len(h.queue.accounts) + len(h.queue.networks)
}

// Work has the hasher compute nothing and add up what it would: 2^cost for each
// time. Nothing matches.
func (h *Hasher) Work(costOf func(hash []byte) int, mismatch error) *int {
	work := new(int)
	h.compare = func(hash, _ []byte) error { *work += 1 << costOf(hash); return mismatch }
	h.generate = func(_ []byte, cost int) ([]byte, error) { *work += 1 << cost; return nil, nil }
	return work
}

// AtCost gives h another cost, and a stand-in of that cost for accounts that do
// not exist, which is not computed.
func (h *Hasher) AtCost(cost int) *Hasher {
	h.cost, h.dummy = cost, fmt.Sprintf("$2a$%02d%s", cost, h.dummy[6:])
	return h
}

// MaxScored and LeetLookups say what judging pw costs.
const MaxScored = maxScored

// LeetLookups is how often a part of a reading of pw's symbols is looked up.
func LeetLookups(pw string) int {
	runes := []rune(pw)
	runes = runes[:min(len(runes), maxScored)]
	distinct := map[rune]bool{}
	for _, r := range runes {
		distinct[r] = true
	}
	if n := leetLookups(runes, distinct); n <= maxLeetLookups {
		return n
	}
	return 0
}
