package authtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func attempt(t *testing.T, l auth.Limiter, key string, want time.Duration) {
	t.Helper()
	got, err := l.Attempt(t.Context(), key)
	waits(t, fmt.Sprintf("attempt of %.40q", key), got, err, want)
}

// delays are what has to pass after so many failures before the next attempt.
var delays = []time.Duration{
	0, 0, 0, 0, 0, 1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second,
	128 * time.Second, 256 * time.Second, 512 * time.Second, 15 * time.Minute, 15 * time.Minute, 15 * time.Minute,
}

func testAttempts(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	both := everyone(t, l)
	for failures, delay := range delays {
		one, other := both[failures%2], both[(failures+1)%2]
		if delay > 0 {
			// Asking in vain makes the wait neither longer nor shorter.
			attempt(t, one, "k", delay)
			attempt(t, one, "k", delay)
			clock.Advance(delay / 2)
			attempt(t, other, "k", delay/2)
			clock.Advance(delay - delay/2 - moment)
			attempt(t, other, "k", moment)
			clock.Advance(moment)
		}
		attempt(t, one, "k", 0)
	}
	attempt(t, l, "another", 0)
}

func testAttemptRace(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	try := func(ctx context.Context, l auth.Limiter) (time.Duration, error) { return l.Attempt(ctx, "k") }
	race(t, l, 5, time.Second, try)
	race(t, l, 0, time.Second, try)
	clock.Advance(time.Second)
	race(t, l, 1, 2*time.Second, try)
	clock.Advance(time.Hour)
	race(t, l, 1, 4*time.Second, try)
}

func testUndo(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	both := everyone(t, l)
	for failures, delay := range delays {
		clock.Advance(delay)
		// An attempt that could not be judged, because the server was busy,
		// has used none of the free ones and delays no attempt.
		for range 3 {
			attempt(t, both[0], "k", 0)
			must(t, both[1].Undo(t.Context(), "k"))
		}
		attempt(t, l, "k", 0)
		if failures+1 < len(delays) && delays[failures+1] > 0 {
			attempt(t, l, "k", delays[failures+1])
		}
	}
	// The wait that was there before is there again.
	must(t, l.Undo(t.Context(), "k"))
	attempt(t, l, "k", 0)
	attempt(t, l, "k", 15*time.Minute)

	// Of several at once each is taken back.
	for range 5 {
		attempt(t, l, "several", 0)
	}
	for range 3 {
		must(t, l.Undo(t.Context(), "several"))
	}
	for range 3 {
		attempt(t, l, "several", 0)
	}
	attempt(t, l, "several", time.Second)
}

func testUndoTooMuch(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	must(t, l.Undo(t.Context(), "k"))
	attempt(t, l, "k", 0)
	for range 7 {
		must(t, l.Undo(t.Context(), "k"))
	}
	for range 5 {
		attempt(t, l, "k", 0)
	}
	attempt(t, l, "k", time.Second)
	// Undo does not make old failures young.
	clock.Advance(auth.AttemptsKept - moment)
	attempt(t, l, "k", 0)
	clock.Advance(moment)
	must(t, l.Undo(t.Context(), "k"))
	for range 5 {
		attempt(t, l, "k", 0)
	}
	attempt(t, l, "k", time.Second)
}

func testForget(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	both := everyone(t, l)
	must(t, l.Forget(t.Context(), "k"))
	for range 2 {
		for range 5 {
			attempt(t, both[0], "k", 0)
			attempt(t, both[0], "another", 0)
		}
		clock.Advance(time.Second)
		attempt(t, both[0], "k", 0)
		attempt(t, both[0], "k", 2*time.Second)
		must(t, both[1].Forget(t.Context(), "k"))
		must(t, both[1].Undo(t.Context(), "k")) // of one that came too late
		clock.Advance(auth.AttemptsKept)
	}
	a := session.Allowance{Count: 1, Per: time.Hour}
	takes(t, l, "k", a, 0)
	must(t, l.Forget(t.Context(), "k")) // is about attempts alone
	takes(t, l, "k", a, time.Hour)
}

func testAttemptsKept(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	for range 5 {
		attempt(t, l, "k", 0)
	}
	// A day since the last one, not since the first.
	for _, delay := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		clock.Advance(auth.AttemptsKept - moment)
		attempt(t, l, "k", 0)
		attempt(t, l, "k", delay)
	}
	clock.Advance(auth.AttemptsKept)
	for range 5 {
		attempt(t, l, "k", 0)
	}
	attempt(t, l, "k", time.Second)
}
