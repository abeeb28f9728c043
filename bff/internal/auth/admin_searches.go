package auth

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// searches holds the sessions that are searching: one search at a time for each.
// A search reads many rows, and whoever typed a letter more has no use for the
// last one; a script that starts them side by side would have the database work
// for nothing else.
type searches struct {
	mu      sync.Mutex
	running map[string]chan struct{} // by session; closed when the search has ended
}

// searchPatience is how long a search waits for the one before it: a page that
// gives up a search asks for the next at once.
const searchPatience = time.Second

// begin waits for the session's search to end, and refuses when it does not; the
// caller calls end. A caller without a session, the operator's, is not limited.
func (s *searches) begin(ctx context.Context, session string) (end func(), _ error) {
	if session == "" {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, searchPatience)
	defer cancel()
	for {
		s.mu.Lock()
		before, busy := s.running[session]
		if !busy {
			if s.running == nil {
				s.running = map[string]chan struct{}{}
			}
			ended := make(chan struct{})
			s.running[session] = ended
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.running, session)
				close(ended)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, &refusal.Error{Code: refusal.TooManyAttempts, RetryAfter: searchPatience, Cause: context.Cause(ctx),
				Detail: "Your search before this one is still under way. Wait for it, and search again."}
		}
	}
}
