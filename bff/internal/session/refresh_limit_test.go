package session_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// inlineHouse has a session whose access token is stale, and only the limit on
// refreshes on the way of a request.
func inlineHarness(t *testing.T) (*harness, *session.Cookies, *counted) {
	t.Helper()
	store := &counted{}
	h, c := arrived(t, func(d *session.Deps) {
		store.Store, d.Store = d.Store, store
		d.Limits.Inline = productLimits.Inline
	})
	h.clock.Advance(16 * time.Minute)
	return h, c, store
}

// One session made a thousand refreshes a second on the way of requests.
func TestInlineRefreshesAreLimitedForTheSession(t *testing.T) {
	h, c, store := inlineHarness(t)
	bystander := h.signIn(false)
	h.clock.Advance(16 * time.Minute)
	for range productLimits.Inline.Count {
		if _, err := h.Authenticate(t.Context(), c.Access, c.Refresh); err != nil {
			t.Fatal(err)
		}
	}
	asked := store.gets.Load()
	for range 20 {
		_, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
		if e := wantCode(t, err, refusal.TooManyAttempts); e.EndsSession() || e.RetryAfter <= 0 || e.RetryAfter > time.Second {
			t.Errorf("%+v: signs out, or no Retry-After", e)
		}
	}
	if n := store.gets.Load() - asked; n != 0 {
		t.Errorf("the store was asked %d times beyond the limit", n)
	}
	if _, err := h.Authenticate(t.Context(), bystander.Access, bystander.Refresh); err != nil {
		t.Errorf("another session: %v", err)
	}
	if _, err := h.Refresh(t.Context(), c.Refresh); err != nil {
		t.Errorf("on demand: %v", err)
	}
	h.clock.Advance(100 * time.Millisecond)
	g, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
	if err != nil || g.Cookies == nil {
		t.Errorf("a tenth of a second later: %+v, %v", g, err)
	}
	// A fresh access token has nothing to do with it.
	for range 50 {
		if _, err := h.Authenticate(t.Context(), g.Cookies.Access, g.Cookies.Refresh); err != nil {
			t.Fatal(err)
		}
	}
}

// Each rotation's own child is refreshed at once, again and again.
func TestChainOfInlineRefreshesIsLimited(t *testing.T) {
	h, c, _ := inlineHarness(t)
	refresh := c.Refresh
	for n := range 11 {
		g, err := h.Authenticate(t.Context(), "", refresh)
		if n == 10 {
			wantCode(t, err, refusal.TooManyAttempts)
			break
		}
		if err != nil || g.Cookies == nil {
			t.Fatalf("refresh %d: %+v, %v", n, g, err)
		}
		refresh = g.Cookies.Refresh
	}
	h.clock.Advance(time.Second)
	if _, err := h.Authenticate(t.Context(), "", refresh); err != nil {
		t.Errorf("signed out by the limit: %v", err)
	}
}

// inBubble is a Service that goes by the clock of the test's bubble, and a browser
// with a stale access token. The harness is made outside of the bubble.
func (h *harness) inBubble(t *testing.T) (*session.Manager, *session.Cookies) {
	t.Helper()
	sessions, err := filestore.Open(filestore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	limits := unlimited
	limits.Inline = productLimits.Inline
	deps := h.deps()
	deps.Store, deps.Revocations, deps.Limiter, deps.Limits, deps.Now = sessions, sessions, filestore.NewLimits(time.Now), limits, time.Now
	s := session.New(deps)
	in := signIn(t, s, adaID, ada, false)
	<-time.After(16 * time.Minute)
	return s, in.Cookies
}

// Two hundred tabs come with one stale pair, all at once or one in each
// millisecond, so that each could have a flight of its own: all are answered
// with one child, and none is refused.
func TestStampedeOfTabsIsNotRefused(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "one by one": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			synctest.Test(t, func(t *testing.T) {
				s, c := h.inBubble(t)
				var all sync.WaitGroup
				var child atomic.Pointer[session.Cookies]
				for range 200 {
					all.Go(func() {
						g, err := s.Authenticate(t.Context(), c.Access, c.Refresh)
						switch {
						case err != nil:
							t.Error(err)
						case g.Cookies == nil:
							t.Error("no cookies")
						case !child.CompareAndSwap(nil, g.Cookies) && child.Load().Refresh != g.Cookies.Refresh:
							t.Error("two children")
						}
					})
					<-time.After(pause)
				}
				all.Wait()
			})
		})
	}
}

// The browser goes on like that, and is refused then.
func TestEndlessStampedeIsRefused(t *testing.T) {
	h := open(t)
	synctest.Test(t, func(t *testing.T) {
		s, c := h.inBubble(t)
		answered, refused := 0, 0
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); <-time.After(time.Millisecond) {
			switch _, err := s.Authenticate(t.Context(), c.Access, c.Refresh); {
			case err == nil:
				answered++
			case is(err, refusal.TooManyAttempts):
				refused++
			default:
				t.Fatal(err)
			}
		}
		if answered > 60 || refused < 1000 {
			t.Errorf("%d answered and %d refused in 5 s of a request in each ms, want 10 a second answered", answered, refused)
		}
	})
}

// The client that began a flight hangs up while the flight waits: the others
// still get the answer.
func TestDisconnectDuringAWaitingFlightCancelsNoOther(t *testing.T) {
	h := open(t)
	synctest.Test(t, func(t *testing.T) {
		s, c := h.inBubble(t)
		for range productLimits.Inline.Count {
			if _, err := s.Authenticate(t.Context(), c.Access, c.Refresh); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(ctx context.Context) <-chan error {
			got := make(chan error, 1)
			go func() { _, err := s.Authenticate(ctx, c.Access, c.Refresh); got <- err }()
			synctest.Wait()
			return got
		}
		ctx, hangUp := context.WithCancel(t.Context())
		gone, stays := ask(ctx), ask(t.Context())
		hangUp()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that hung up: %v", err)
		}
		if err := <-stays; err != nil {
			t.Errorf("the one that stays: %v", err)
		}
	})
}
