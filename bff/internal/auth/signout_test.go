package auth_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// stubborn is a store that does everything but end sessions, as one does that
// lost its connection between announcing and deleting.
type stubborn struct {
	session.Store
	refuses atomic.Bool
	tries   atomic.Int32
	ended   atomic.Int32
}

func (s *stubborn) End(ctx context.Context, ends ...session.Revocation) error {
	s.tries.Add(1)
	if s.refuses.Load() {
		return session.ErrSessionStore
	}
	s.ended.Add(int32(len(ends)))
	return s.Store.End(ctx, ends...)
}

func withStubborn(t *testing.T) (*harness, *session.Cookies, *stubborn) {
	t.Helper()
	store := &stubborn{}
	h, c := arrived(t, func(d *auth.Deps) { store.Store, d.Sessions = d.Sessions, store })
	return h, c, store
}

func TestSignOutFinishedLaterIsAudited(t *testing.T) {
	h, c, store := withStubborn(t)
	store.refuses.Store(true)
	ctx := auth.WithClient(t.Context(), session.Client{RequestID: "r-out"})
	wantCode(t, h.SignOut(ctx, c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	eventually(t, "the audit event", func() bool {
		e := h.eventsOf(auth.EventLogout)
		return len(e) == 1 && e[0].RequestID == "r-out"
	})
}
