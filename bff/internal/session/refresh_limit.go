package session

import (
	"context"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// Allowance is a rate: Count at once, and then again as fast as Count in Per (the
// generic cell rate algorithm, GCRA). Without a Count or a Per it allows nothing.
type Allowance struct {
	Count int
	Per   time.Duration
}

// Limiter is the part of auth.Limiter that limits refreshes.
type Limiter interface {
	// Take uses one of what key is allowed. It returns 0, or how long to wait
	// until there is one again; then it has used nothing.
	Take(ctx context.Context, key string, a Allowance) (wait time.Duration, err error)
}

// Limits are the allowances of one session.
type Limits struct {
	Refresh Allowance // by POST /api/auth/refresh
	Inline  Allowance // during a request whose access token is stale
}

// refreshCause tells explicit refreshes from inline ones.
type refreshCause string

const (
	onDemand refreshCause = "on demand"
	onTheWay refreshCause = "on the way" // inline: during a request whose access token is stale
)

// mayRefresh takes from the limit of one cause, before the store is read. A
// request with a valid access token never gets here.
func (m *Manager) mayRefresh(ctx context.Context, why refreshCause, sessionID string) error {
	if why == onDemand {
		wait, err := m.limiter.Take(ctx, "refresh:"+sessionID, m.limits.Refresh)
		m.limited("refresh", wait, err)
		return refusal.TooMany(wait, err)
	}
	wait, err := m.limiter.Take(ctx, "inline:"+sessionID, m.limits.Inline)
	// Fifty tabs that wake up bring one stale token pair within a tenth of a
	// second. Most join a flight. After too many flights the next one waits, and
	// all further tabs join it. A client that continues like that is refused.
	if err == nil && wait > 0 && wait <= inlinePatience {
		var spent time.Duration
		if spent, err = m.limiter.Take(ctx, "inline-wait:"+sessionID, inlineWaits); err == nil && spent == 0 {
			select {
			case <-time.After(wait):
				wait, err = m.limiter.Take(ctx, "inline:"+sessionID, m.limits.Inline)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	m.limited("inline", wait, err)
	return refusal.TooMany(wait, err)
}

func (m *Manager) limited(limit string, wait time.Duration, err error) {
	if err == nil { // else the caller has disconnected, and nothing was decided
		m.observe.Limited(limit, wait <= 0)
	}
}

// inlinePatience is the longest wait of a request for its inline refresh.
const inlinePatience = 200 * time.Millisecond

// inlineWaits is how many flights of a session may wait within a parentGrace.
var inlineWaits = Allowance{3, parentGrace}
