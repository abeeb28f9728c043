package auth

import (
	"context"
	"time"
)

// refreshCause is why a session is refreshed.
type refreshCause string

const (
	onDemand refreshCause = "on demand"
	onTheWay refreshCause = "on the way" // of a request whose access token is stale
)

// mayRefresh takes from the limit of one cause. It comes before what a refresh
// asks of the store; a request whose access token is fresh never gets here.
func (s *Service) mayRefresh(ctx context.Context, why refreshCause, sessionID string) error {
	if why == onDemand {
		return s.take(ctx, "refresh:"+sessionID, s.limits.Refresh)
	}
	wait, err := s.limiter.Take(ctx, "inline:"+sessionID, s.limits.Inline)
	// Fifty tabs that wake up bring one stale pair within a tenth of a second.
	// Most join a flight. After too many flights the next one waits, and all
	// further tabs join it. A client that goes on like that is refused.
	if err == nil && wait > 0 && wait <= inlinePatience {
		var spent time.Duration
		if spent, err = s.limiter.Take(ctx, "inline-wait:"+sessionID, inlineWaits); err == nil && spent == 0 {
			select {
			case <-time.After(wait):
				wait, err = s.limiter.Take(ctx, "inline:"+sessionID, s.limits.Inline)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	s.limited("inline", wait, err)
	return tooMany(wait, err)
}

// inlinePatience is how long a request waits for its refresh at most.
const inlinePatience = 200 * time.Millisecond

// inlineWaits is how many flights of a session may wait.
var inlineWaits = Allowance{3, lateTraffic}
