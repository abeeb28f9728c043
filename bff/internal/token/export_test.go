package token

// MaxCachedIdentities is the cache's bound.
const MaxCachedIdentities = maxCachedIdentities

// CachedIdentities counts what the cache holds.
func (i *Issuer) CachedIdentities() int {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return len(i.cache)
}
