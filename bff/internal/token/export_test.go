package token

import (
	"hash/maphash"
	"time"
	"unsafe"
)

// MaxCachedIdentities is the cache's bound.
const MaxCachedIdentities = maxCachedIdentities

// CachedIdentities counts what the cache holds.
func (i *Issuer) CachedIdentities() int {
	k := i.keys.Load()
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.cache)
}

// MaxVerified and MaxVerifiedBytes are the bounds of what is kept of access
// tokens.
const (
	MaxVerified      = maxVerified
	MaxVerifiedBytes = maxVerifiedBytes
)

// VerifyAccessAnew is VerifyAccess as if every token were new.
func (i *Issuer) VerifyAccessAnew(raw string, now time.Time) (Access, error) {
	a, _, err := i.keys.Load().verifyAccess(raw, now)
	return a, err
}

// ForgetVerified makes the next VerifyAccess of raw the first one again.
func (i *Issuer) ForgetVerified(raw string) {
	if sets := i.keys.Load().verified.sets.Load(); sets != nil {
		set := &sets[maphash.String(i.keys.Load().verified.seed, raw)%verifiedSets]
		for n := range set {
			set[n].Store(nil)
		}
	}
}

// Verified is what is kept: tokens, and the bytes of them.
func (i *Issuer) Verified() (tokens, bytes int) {
	sets := i.keys.Load().verified.sets.Load()
	if sets == nil {
		return 0, 0
	}
	for s := range sets {
		for n := range sets[s] {
			if t := sets[s][n].Load(); t != nil {
				tokens++
				bytes += len(t.raw)
			}
		}
	}
	return tokens, bytes
}

// VerifiedTable: the table is there, and costs its 128 KB.
func (i *Issuer) VerifiedTable() bool { return i.keys.Load().verified.sets.Load() != nil }

// KeptPointer is where the bytes of the kept copy of raw are.
func (i *Issuer) KeptPointer(raw string) *byte {
	return unsafe.StringData(i.keys.Load().verified.find(raw).raw)
}

// IsKept: raw will not be verified again.
func (i *Issuer) IsKept(raw string) bool { return i.keys.Load().verified.find(raw) != nil }
