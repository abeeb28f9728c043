package auth

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Limiter counts what may not happen too often, for all instances together. A
// key is a fixed word, a colon and whatever tells one from another. An
// implementation whose store is away counts in memory for the time being: an
// outage must neither lock people out nor let guessing go on unhindered. So
// its methods have no error to answer but ctx's.
type Limiter interface {
	// Take uses one of what key is allowed. It answers 0, or how long to wait
	// until there is one again; then it has used nothing.
	Take(ctx context.Context, key string, a session.Allowance) (wait time.Duration, err error)
	// Attempt counts a failure of key before its outcome is known, so that a
	// hundred guesses at once are no fewer than one after the other. It answers
	// 0, or how long to wait until the next attempt; then it has counted
	// nothing. See AttemptDelay.
	Attempt(ctx context.Context, key string) (wait time.Duration, err error)
	// Undo takes back one Attempt that was not judged, and the wait it brought.
	Undo(ctx context.Context, key string) error
	// Forget takes back all: there was a success.
	Forget(ctx context.Context, key string) error
}

const (
	freeAttempts = 5
	maxDelay     = 15 * time.Minute
	// AttemptsKept is how long after the last of them failures are remembered.
	AttemptsKept = 24 * time.Hour
)

// AttemptDelay is how long after the last one the next attempt may come, when
// so many have failed: five are free, then it is a second, doubled by each, up
// to 15 minutes.
func AttemptDelay(failures int) time.Duration {
	if failures < freeAttempts {
		return 0
	}
	if n := failures - freeAttempts; n < 10 { // 2^10 s is more than maxDelay
		return time.Second << n
	}
	return maxDelay
}

// Limits are the allowances there are.
type Limits struct {
	SignIn   session.Allowance // per client network, per device cookie, and per account and network
	Register session.Allowance // per client network
	Refresh  session.Allowance // per session, on its browser's demand
	Inline   session.Allowance // per session, refreshes on the way of a request
	Password session.Allowance // password changes and account deletions, per account
	Change   session.Allowance // other changes, per account; an administrator's, per account and administrator
	Notice   session.Allowance // notices of one kind, per email address
}

// DefaultLimits are those of the product.
var DefaultLimits = Limits{
	SignIn:   session.Allowance{Count: 10, Per: time.Minute},
	Register: session.Allowance{Count: 10, Per: time.Hour},
	Refresh:  session.Allowance{Count: 60, Per: time.Minute},
	Inline:   session.Allowance{Count: 10, Per: time.Second},
	Password: session.Allowance{Count: 5, Per: time.Hour},
	Change:   session.Allowance{Count: 30, Per: time.Hour},
	Notice:   session.Allowance{Count: 3, Per: time.Hour},
}

// take uses one of what key is allowed. Refusals are *refusal.Error.
func (s *Service) take(ctx context.Context, key string, a session.Allowance) error {
	wait, err := s.limiter.Take(ctx, key, a)
	s.limited(limitOf(key), wait, err)
	return refusal.TooMany(wait, err)
}

func (s *Service) limited(limit string, wait time.Duration, err error) {
	if err == nil { // else the caller has gone, and nothing was decided
		s.observe.Limited(limit, wait <= 0)
	}
}

// network is whom a limit per client is about: an IPv4 address, or the /64
// that an IPv6 client has all addresses of.
func network(ctx context.Context) string { return networkOf(session.ClientFrom(ctx).IP) }

func networkOf(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return addr.String()
	}
	prefix, _ := addr.Prefix(64) // 64 bits of an IPv6 address are always there
	return prefix.String()
}
