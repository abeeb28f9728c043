//go:build !race

package session_test

import (
	"context"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func TestAuthenticateDoesNotAllocate(t *testing.T) {
	h, c := arrived(t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = h.Authenticate(ctx, c.Access, c.Refresh) }); n != 0 {
		t.Errorf("first generation: %v allocations", n)
	}
	// A later generation has an ack, and other sessions have ended.
	h.clock.Advance(policy.AccessTTL)
	g, err := h.Authenticate(ctx, "", c.Refresh)
	if err != nil || g.Cookies == nil {
		t.Fatalf("%+v, %v", g, err)
	}
	if err := h.sessions.End(ctx, session.Revocation{UserID: "1", SessionID: "another", Reason: session.ReasonSignOut, At: h.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	<-h.ended
	if n := testing.AllocsPerRun(100, func() { _, _ = h.Authenticate(ctx, g.Cookies.Access, g.Cookies.Refresh) }); n != 0 {
		t.Errorf("later generation: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = h.Authenticate(ctx, c.Access, "") }); n == 0 {
		t.Error("a refusal allocates nothing: the others were not measured either")
	}
}
