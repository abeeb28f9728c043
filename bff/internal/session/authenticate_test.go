package session_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// BenchmarkAuthenticate is a signed-in browser's request like the one before:
// a later generation, whose ack is written, beside sessions that ended.
func BenchmarkAuthenticate(b *testing.B) {
	h, c := arrived(b)
	h.clock.Advance(policy.AccessTTL)
	g, err := h.Authenticate(b.Context(), "", c.Refresh)
	if err != nil || g.Cookies == nil {
		b.Fatal(g, err)
	}
	for n := range 100 {
		if err := h.sessions.End(b.Context(), session.Revocation{UserID: "1", SessionID: strconv.Itoa(n), Reason: session.ReasonSignOut, At: h.clock.Now()}); err != nil {
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
