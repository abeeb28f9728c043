package token

import (
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// maxVerified tokens are kept; one more costs another its place.
	maxVerified = 16384
	// maxVerifiedBytes is the longest token that is kept. An address as long
	// as there are makes one of 800 bytes with an ordinary issuer; longer ones
	// are verified anew each time, and no 16 KB cookie stays in memory.
	maxVerifiedBytes = 1024

	verifiedWays = 8 // pointers: one cache line
	verifiedSets = maxVerified / verifiedWays
	// sweptSets are looked through for dead tokens whenever one is kept, so
	// that memory follows the tokens that live and not those there ever were.
	sweptSets = 8
)

// verified caches the claims of access tokens with a valid signature, by all of
// their bytes: a page of thirty requests shows one token thirty times, and
// HS256 and JSON were a third of what a request cost. What depends on the time
// is never kept; see VerifyAccess.
//
// Only what we signed gets in, so a stranger can neither fill it nor evict
// entries. Nor does its timing help to guess a token: tokens are compared
// only where a 64-bit hash with a secret seed is equal, and a hit takes all of
// the token, which is what one would want to guess.
//
// A table of sets, not a map: a look-up takes no lock and writes nothing, and
// with more live tokens than places the share of hits shrinks by degrees,
// where a map that is full is a stampede (decision 15). What is kept is never
// changed after.
type verified struct {
	seed maphash.Seed
	sets atomic.Pointer[[verifiedSets]verifiedSet] // nil until there is a token
	hand atomic.Uint32                             // where the sweep is
}

type verifiedSet [verifiedWays]atomic.Pointer[verifiedToken]

type verifiedToken struct {
	hash   uint64
	raw    string
	access Access
}

// find returns the cached claims of raw, nil for none.
func (v *verified) find(raw string) *verifiedToken {
	sets := v.sets.Load()
	if sets == nil || len(raw) > maxVerifiedBytes {
		return nil
	}
	hash := maphash.String(v.seed, raw)
	set := &sets[hash%verifiedSets]
	for n := range set {
		if t := set[n].Load(); t != nil && t.hash == hash && t.raw == raw {
			return t
		}
	}
	return nil
}

// keep remembers that raw, which is genuine and alive, says a.
func (v *verified) keep(raw string, a Access, now time.Time) {
	if len(raw) > maxVerifiedBytes {
		return
	}
	sets := v.sets.Load()
	if sets == nil {
		v.sets.CompareAndSwap(nil, new([verifiedSets]verifiedSet)) // another request may be first
		sets = v.sets.Load()
	}
	for n := range uint32(sweptSets) {
		sets[(v.hand.Load()+n)%verifiedSets].sweep(now)
	}
	v.hand.Add(sweptSets)
	hash := maphash.String(v.seed, raw)
	set := &sets[hash%verifiedSets]
	set.sweep(now)
	// raw is a piece of a Cookie header, all of which it would hold on to.
	t := &verifiedToken{hash: hash, raw: strings.Clone(raw), access: a}
	for n := range set {
		if set[n].CompareAndSwap(nil, t) {
			return
		}
	}
	// By chance: with an order, nine tokens that take turns would never hit.
	set[rand.IntN(verifiedWays)].Store(t) //nolint:gosec // G404: a place in a cache needs no secret
}

func (s *verifiedSet) sweep(now time.Time) {
	for n := range s {
		if t := s[n].Load(); t != nil && t.access.expired(now) {
			s[n].CompareAndSwap(t, nil)
		}
	}
}
