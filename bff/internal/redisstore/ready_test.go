package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// An instance is ready as soon as it knows what there is to know, also when
// that is nothing. It once waited for news first: no instance was ready until
// two seconds after its start.
func TestFollowingAtOnce(t *testing.T) {
	server := servertest.Redis(t)
	// What waits takes two seconds each time: one that is sooner does not.
	for tries := 1; ; tries++ {
		s := open(t, server.URL, time.Now)
		start := time.Now()
		sessiontest.Subscribe(t, s, time.Hour)
		eventually(t, "following an empty stream", s.Following)
		took := time.Since(start)
		if took < 1900*time.Millisecond {
			return
		}
		if tries == 10 {
			t.Fatalf("it took %v at the tenth time", took)
		}
	}
}

// And it is not before: whoever is let in then would be served with tokens of
// sessions that have ended.
func TestFollowingIsToldWhenEverythingIsRead(t *testing.T) {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	s := open(t, server.URL, clock.Now)
	var ends []session.Revocation
	for range 2500 { // more than two pages
		ends = append(ends, revocation(typical("u", "s", clock.Now()), clock.Advance(time.Second)))
	}
	must(t, s.End(t.Context(), ends...))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	heard := 0
	_ = s.Subscribe(ctx, time.Hour, session.Subscriber{Lost: func(time.Time) {}, CaughtUp: func() {}, Revoked: func(session.Revocation) {
		if heard++; s.Following() == nil {
			t.Errorf("said to be following after %d of %d", heard, len(ends))
			heard = len(ends)
		}
		if heard >= len(ends) {
			cancel()
		}
	}})
	if heard < len(ends) {
		t.Errorf("heard %d of %d", heard, len(ends))
	}
}

// A replica may not have heard of everything. An instance that follows one was
// ready and not ready in turns, and wrote thirty lines a second about it.
func TestFollowingAReplica(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	look := raw(t, server.URL)
	must(t, look.Do(t.Context(), "REPLICAOF", "127.0.0.1", "1").Err())
	var log bytes.Buffer
	s, err := redisstore.Open(t.Context(), redisstore.Config{URL: server.URL, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	f := sessiontest.Subscribe(t, s, time.Hour)
	eventually(t, "it has tried five times", func() error {
		if s.Following() == nil {
			t.Fatal("said to be following a replica")
		}
		stats, err := look.Info(t.Context(), "commandstats").Result()
		if err == nil && !regexp.MustCompile(`cmdstat_xread:calls=([5-9]|\d\d)`).MatchString(stats) {
			err = errors.New("not yet")
		}
		return err
	})
	f.Stop(t)
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines of log, want one:\n%s", n, &log)
	}
}
