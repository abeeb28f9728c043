package auth_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// raced: the race detector allocates on its own account.
var raced bool

func TestNothingIsAllocatedForWhoIsSignedIn(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	h, c := arrived(t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = h.Authenticate(ctx, c.Access, c.Refresh) }); n != 0 {
		t.Errorf("first generation: %v allocations", n)
	}
	// A later generation has a receipt, and other sessions have ended.
	h.clock.Advance(policy.AccessTTL)
	g, err := h.Authenticate(ctx, "", c.Refresh)
	if err != nil || g.Cookies == nil {
		t.Fatalf("%+v, %v", g, err)
	}
	if err := h.sessions.End(ctx, auth.Revocation{UserID: "1", SessionID: "another", Reason: auth.ReasonSignOut, At: h.clock.Now()}); err != nil {
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

// BenchmarkAuthenticate is a signed-in browser's request like the one before:
// a later generation, whose receipt is written, beside sessions that ended.
func BenchmarkAuthenticate(b *testing.B) {
	h, c := arrived(b)
	h.clock.Advance(policy.AccessTTL)
	g, err := h.Authenticate(b.Context(), "", c.Refresh)
	if err != nil || g.Cookies == nil {
		b.Fatal(g, err)
	}
	for n := range 100 {
		if err := h.sessions.End(b.Context(), auth.Revocation{UserID: "1", SessionID: strconv.Itoa(n), Reason: auth.ReasonSignOut, At: h.clock.Now()}); err != nil {
			b.Fatal(err)
		}
		<-h.ended
	}
	authenticate := func() {
		if _, err := h.Authenticate(context.Background(), g.Cookies.Access, ""); err != nil {
			b.Error(err)
		}
	}
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			authenticate()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				authenticate()
			}
		})
	})
}
