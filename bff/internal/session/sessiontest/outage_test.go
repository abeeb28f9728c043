package sessiontest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func sessions(t *testing.T, now func() time.Time) *sessiontest.Sessions {
	t.Helper()
	store, err := filestore.Open(filestore.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return sessiontest.NewSessions(store)
}

func TestSessions(t *testing.T) {
	sessiontest.RunSessions(t, func(t *testing.T, clock *sessiontest.Clock) sessiontest.Store { return sessions(t, clock.Now) })
}

func TestSessionsFail(t *testing.T) {
	s := sessions(t, time.Now)
	x := session.Record{UserID: "u", ID: "s", IdleEnd: time.Now().Add(time.Hour)}
	if _, err := s.Create(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	end := session.Revocation{UserID: "u", SessionID: "s", Reason: session.ReasonSignOut}
	cause := errors.New("pulled the plug")
	s.Fail(cause)
	_, create := s.Create(t.Context(), x)
	_, get := s.Get(t.Context(), "u", "s")
	_, _, page := s.Page(t.Context(), "u", "")
	for op, err := range map[string]error{
		"create": create, "get": get, "page": page, "swap": s.Swap(t.Context(), x, x),
		"end": s.End(t.Context(), end), "announce": s.Publish(t.Context(), end),
	} {
		if !errors.Is(err, session.ErrSessionStore) || !errors.Is(err, cause) {
			t.Errorf("%s: %v, want ErrSessionStore and the cause", op, err)
		}
	}
	if err := errors.Join(s.End(t.Context()), s.Publish(t.Context())); err != nil {
		t.Errorf("nothing to end: %v", err)
	}
	s.Fail(nil)
	if got, err := s.Get(t.Context(), "u", "s"); err != nil || got.Version != 0 {
		t.Errorf("after the outage: %+v, %v", got, err)
	}
}
