package auth

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Limiter counts limited actions, for all instances together. A key is a fixed
// word, a colon and an identity. An implementation whose store is away counts in
// memory meanwhile: an outage must neither lock people out nor allow unlimited
// guessing. So its methods return no error but ctx's.
type Limiter interface {
	// Take uses one of what key is allowed. It returns 0, or how long to wait
	// until there is one again; then it has used nothing.
	Take(ctx context.Context, key string, a session.Allowance) (wait time.Duration, err error)
	// Attempt counts a failure of key before its outcome is known, so that a
	// hundred guesses at once count like one after the other. It returns 0, or
	// how long to wait until the next attempt; then it has counted nothing. See
	// AttemptDelay.
	Attempt(ctx context.Context, key string) (wait time.Duration, err error)
	// Undo takes back one Attempt that was not decided, and the wait it brought.
	Undo(ctx context.Context, key string) error
	// Forget deletes all failures of key, after a success.
	Forget(ctx context.Context, key string) error
}

const (
	freeAttempts = 5
	maxDelay     = 15 * time.Minute
	// AttemptsKept is how long failures are remembered after the last of them.
	AttemptsKept = 24 * time.Hour
)

// AttemptDelay is how long after the last attempt the next one may come, after so
// many failures: five are free, then it is a second, doubled by each, up to 15
// minutes.
func AttemptDelay(failures int) time.Duration {
	if failures < freeAttempts {
		return 0
	}
	if n := failures - freeAttempts; n < 10 { // 2^10 s is more than maxDelay
		return time.Second << n
	}
	return maxDelay
}

// Limits are the allowances of the product.
type Limits struct {
	SignIn   session.Allowance // per client network, per device cookie, and per account and network
	Register session.Allowance // per client network
	Refresh  session.Allowance // per session, by POST /api/auth/refresh
	Inline   session.Allowance // per session, inline refreshes during requests
	Password session.Allowance // password changes and account deletions, per account
	Change   session.Allowance // other changes, per account; an administrator's, per account and administrator
	Notice   session.Allowance // notices of one kind, per email address
}

// DefaultLimits are the allowances in production.
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
	if err == nil { // else the caller has disconnected, and nothing was decided
		s.observe.Limited(limit, wait <= 0)
	}
}

// network returns the network that limits per client count for: an IPv4 address,
// or the /64 of an IPv6 client.
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
