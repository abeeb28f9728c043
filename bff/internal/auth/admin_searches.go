package auth

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// searches limits each session to one search at a time. A search reads many rows,
// and after one more letter the last one is obsolete; a script that runs searches
// side by side would keep the database busy.
type searches struct {
	mu      sync.Mutex
	running map[string]chan struct{} // by session; closed when the search has ended
}

// searchPatience is how long a search waits for the one before it: a page that
// cancels a search starts the next at once.
const searchPatience = time.Second

// begin waits for the session's running search, and refuses after searchPatience;
// the caller calls end. A caller without a session, the operator, is not limited.
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
