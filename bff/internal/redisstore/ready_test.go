package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// An instance is ready as soon as it knows what there is to know, also when
// that is nothing. It once waited for news first: no instance was ready until
// two seconds after its start.
func TestFollowingAtOnce(t *testing.T) {
	server := servertest.Redis(t)
	s := open(t, server.URL, time.Now)
	start := time.Now()
	authtest.Follow(t, s, time.Hour)
	eventually(t, "following an empty stream", s.Following)
	if took := time.Since(start); took > 1500*time.Millisecond { // what waits takes two seconds
		t.Errorf("it took %v", took)
	}
}

// And it is not before: whoever is let in then would be served with tokens of
// sessions that have ended.
func TestFollowingIsToldWhenEverythingIsRead(t *testing.T) {
	server := servertest.Redis(t)
	clock := authtest.NewClock()
	s := open(t, server.URL, clock.Now)
	var ends []auth.Revocation
	for range 2500 { // more than two pages
		ends = append(ends, revocation(typical("u", "s", clock.Now()), clock.Advance(time.Second)))
	}
	must(t, s.End(t.Context(), ends...))
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	heard := 0
	_ = s.Follow(ctx, time.Hour, func(auth.Revocation) {
		if heard++; heard <= 2000 && s.Following() == nil {
			t.Errorf("said to be following after %d of %d", heard, len(ends))
			heard = len(ends)
		}
		if heard >= len(ends) {
			cancel()
		}
	})
	if heard < len(ends) {
		t.Errorf("heard %d of %d", heard, len(ends))
	}
}
