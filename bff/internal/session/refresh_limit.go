package session

import (
	"context"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// Allowance is how often something may happen: Count times at once, and then
// again as fast as Count in Per. (The generic cell rate algorithm, GCRA.) One
// without a Count or a Per allows nothing.
type Allowance struct {
	Count int
	Per   time.Duration
}

// Limiter counts refreshes; auth.Limiter is the whole port.
type Limiter interface {
	// Take uses one of what key is allowed. It answers 0, or how long to wait
	// until there is one again; then it has used nothing.
	Take(ctx context.Context, key string, a Allowance) (wait time.Duration, err error)
}

// Limits are the allowances of one session.
type Limits struct {
	Refresh Allowance // on its browser's demand
	Inline  Allowance // on the way of a request
}

// refreshCause is why a session is refreshed.
type refreshCause string

const (
	onDemand refreshCause = "on demand"
	onTheWay refreshCause = "on the way" // of a request whose access token is stale
)

// mayRefresh takes from the limit of one cause. It comes before what a refresh
// asks of the store; a request whose access token is fresh never gets here.
func (m *Manager) mayRefresh(ctx context.Context, why refreshCause, sessionID string) error {
	if why == onDemand {
		wait, err := m.limiter.Take(ctx, "refresh:"+sessionID, m.limits.Refresh)
		m.limited("refresh", wait, err)
		return refusal.TooMany(wait, err)
	}
	wait, err := m.limiter.Take(ctx, "inline:"+sessionID, m.limits.Inline)
	// Fifty tabs that wake up bring one stale pair within a tenth of a second.
	// Most join a flight. After too many flights the next one waits, and all
	// further tabs join it. A client that goes on like that is refused.
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
	if err == nil { // else the caller has gone, and nothing was decided
		m.observe.Limited(limit, wait <= 0)
	}
}

// inlinePatience is how long a request waits for its refresh at most.
const inlinePatience = 200 * time.Millisecond

// inlineWaits is how many flights of a session may wait.
var inlineWaits = Allowance{3, parentGrace}
