package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// The model is only worth something if the Service does what it says: a
// sample of its schedules is played through Authenticate and Refresh of two
// Services on one store, and every answer compared, to the byte.
func TestModelSchedulesOnTheService(t *testing.T) {
	t.Parallel()
	const schedules, steps = 200, 60
	seed := rand.Uint64N(1 << 32) // printed; put a number here to see one again
	h := open(t, func(d *session.Deps) { d.OnRevocation = nil })
	met := map[string]int{}
	for i := range uint64(schedules) {
		if !t.Run(fmt.Sprint("seed ", seed+i), func(t *testing.T) {
			s := newStage(t, h)
			for n, e := range session.ModelSchedule(seed+i, steps, i%4 == 0) {
				if why := s.play(e); why != "" {
					t.Fatalf("event %d, %+v: %s", n, e, why)
				}
				if e.Kind == "ask" {
					met[e.Outcome]++
				}
			}
		}) {
			break
		}
	}
	t.Logf("%d schedules from seed %d: %v", schedules, seed, met)
	for _, outcome := range []string{session.ModelByAccess, "rotated", "replayed", session.ModelServed, session.ModelStolen} {
		if met[outcome] == 0 {
			t.Errorf("no request was %s: the sample proves nothing about it", outcome)
		}
	}
}

// stage is one session on two instances whose background work is done when
// the schedule says so.
type stage struct {
	h     *harness
	at    [2]*session.Manager
	store *counted
	pairs map[int]*session.Cookies // every pair seen so far, by number
	id    string
	asks  int
	role  session.Role
}

// counted tells whether the store has been asked.
type counted struct {
	session.Store
	gets atomic.Int64
}

func (c *counted) Get(ctx context.Context, userID, id string) (session.Record, error) {
	c.gets.Add(1)
	return c.Store.Get(ctx, userID, id)
}

func newStage(t *testing.T, h *harness) *stage {
	// A change of the role is no use of the session: hours after hours it would
	// come to its idle end, which the model does not know.
	patient := policy
	patient.RefreshTTL = patient.SessionMaxAge
	s := &stage{h: h, store: &counted{Store: h.sessions}, pairs: map[int]*session.Cookies{}, role: session.RoleUser}
	for i := range s.at {
		deps := h.deps()
		deps.Store, deps.Policy = s.store, patient
		s.at[i] = session.New(deps)
	}
	// Whole seconds: the times in tokens are, and the model's windows are exact.
	h.clock.Set(h.clock.Now().Truncate(time.Second).Add(time.Second))
	in := signIn(t, s.at[0], adaID, ada, false)
	s.pairs[1], s.id = in.Cookies, in.Cookies.SessionID
	return s
}

func (s *stage) play(e session.ModelEvent) string {
	switch e.Kind {
	case "pass":
		s.pass(e.Clock)
		return ""
	case "forget":
		s.h.sessions.Fail(errors.New("away"))
		defer s.h.sessions.Fail(nil)
		for range maxQueued { // one failure is enough to end a shutdown
			if why := s.work(e.Instance); why != "" {
				return why
			}
		}
		return ""
	case "write":
		return s.work(e.Instance)
	case "change":
		return s.change()
	}
	return s.ask(e)
}

// change gives the user the other role. An instance that has not heard of it
// yet serves the old one; here each is told.
func (s *stage) change() string {
	rec, err := s.h.sessions.Get(context.Background(), s.pairs[1].UserID, s.id)
	if err != nil {
		return err.Error()
	}
	s.role = map[session.Role]session.Role{session.RoleUser: session.RoleAdmin, session.RoleAdmin: session.RoleUser}[s.role]
	rec.Account.Role = s.role
	for _, at := range s.at {
		if err := s.h.changeAccount(at, rec.UserID, rec.Account); err != nil {
			return err.Error()
		}
	}
	return ""
}

// maxQueued is more acks than one session ever has queued.
const maxQueued = 6

// work lets an instance do what it has queued, as at its shutdown.
func (s *stage) work(instance int) string {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.at[instance].Run(done); !errors.Is(err, context.Canceled) {
		return fmt.Sprint("Run: ", err)
	}
	return ""
}

func (s *stage) pass(clock string) {
	now := s.h.clock.Now()
	switch clock {
	case "tick", "tick to end": // edge is a tick before it
		s.h.clock.Advance(5 * time.Second)
		return
	case "hours":
		s.h.clock.Advance(8 * time.Hour)
		return
	}
	rec, err := s.h.sessions.Get(context.Background(), s.pairs[1].UserID, s.id)
	if err != nil {
		s.h.t.Fatal(err)
	}
	until := session.ModelAccessEnd(rec)
	if clock == "edge" {
		until = until.Add(-5 * time.Second)
	}
	// In the model the parent grace is over after either.
	if least := now.Add(15 * time.Second); until.Before(least) {
		until = least
	}
	s.h.clock.Set(until)
}

func (s *stage) ask(e session.ModelEvent) string {
	s.asks++
	carries, known := s.pairs[e.Carries]
	if !known {
		return "the schedule carries cookies that nobody was given"
	}
	if e.Lost && e.Outcome != session.ModelByAccess && s.asks%2 == 0 {
		// The client hangs up. The rotation goes on; asking once more on top
		// joins it or comes after it, and is answered the same.
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.enter(gone, e, &session.Cookies{Refresh: carries.Refresh}); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Sprint("to a client that hung up: ", err)
		}
	}
	before := s.store.gets.Load()
	g, err := s.enter(context.Background(), e, carries)
	switch {
	case e.Outcome == session.ModelStolen:
		return s.stolen(err)
	case err != nil:
		return err.Error()
	case e.Outcome == session.ModelByAccess && s.store.gets.Load() != before:
		return "the store was asked"
	case (g.Cookies == nil) != (e.Brings == 0):
		return fmt.Sprintf("cookies %+v", g.Cookies)
	case g.Principal.Role != s.role && e.Outcome != session.ModelByAccess:
		return "as " + string(g.Principal.Role)
	case g.Cookies == nil:
		return ""
	}
	if earlier := s.pairs[e.Brings]; earlier != nil && *earlier != *g.Cookies {
		return fmt.Sprintf("two pairs of one number:\n%+v\n%+v", earlier, g.Cookies)
	}
	for n, other := range s.pairs {
		if (n < e.Brings && !other.Before(g.Cookies.TokenPair)) || (n > e.Brings && !g.Cookies.Before(other.TokenPair)) {
			return fmt.Sprintf("pair %d is %+v, pair %d is %+v", n, other.TokenPair, e.Brings, g.Cookies.TokenPair)
		}
	}
	s.pairs[e.Brings] = g.Cookies
	return ""
}

// enter asks in one of the ways that a browser may: they differ in nothing.
func (s *stage) enter(ctx context.Context, e session.ModelEvent, c *session.Cookies) (session.Grant, error) {
	if e.Outcome != session.ModelByAccess && s.asks%3 == 0 {
		return s.at[e.Instance].Refresh(ctx, c.Refresh)
	}
	return s.at[e.Instance].Authenticate(ctx, c.Access, c.Refresh)
}

// stolen: caught, and then over for everybody.
func (s *stage) stolen(err error) string {
	var e *refusal.Error
	if !errors.As(err, &e) || e.Code != refusal.RefreshReuse || !e.EndsSession() {
		return fmt.Sprintf("%v, want it caught", err)
	}
	for i, at := range s.at {
		for n, c := range s.pairs {
			if _, err := at.Refresh(context.Background(), c.Refresh); err == nil {
				return fmt.Sprintf("instance %d still renews pair %d", i, n)
			}
		}
	}
	return ""
}
