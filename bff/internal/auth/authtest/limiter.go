package authtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// PeeredLimiter is a Limiter that several instances share. Peer opens another
// handle on the same backend, as a second instance of the server would.
type PeeredLimiter interface {
	auth.Limiter
	Peer(t *testing.T) auth.Limiter
}

// RunLimiter is the contract of a limiter. open is called once for each test
// and gives one that has counted nothing and goes by clock; it cleans up after
// itself.
func RunLimiter(t *testing.T, open func(t *testing.T, clock *sessiontest.Clock) auth.Limiter) {
	tests := []struct {
		name string
		run  func(t *testing.T, l auth.Limiter, clock *sessiontest.Clock)
	}{
		{"all at once, then one by one", testTake},
		{"what is refused uses nothing", testTakeRefused},
		{"an idle key has all again, and no more", testTakeIdle},
		{"an allowance of nothing allows nothing", testTakeNothing},
		{"each key has its own allowance", testTakeKeys},
		{"a hundred at once are let in as far as allowed", testTakeRace},
		{"a clock set back lengthens no wait", testClockBack},
		{"odd keys do not collide", testOddKeys},
		{"a cancelled call counts nothing", testLimiterCancelled},
		{"five attempts are free, then each waits twice as long", testAttempts},
		{"a hundred attempts at once are no fewer than in turn", testAttemptRace},
		{"what is undone has not been", testUndo},
		{"no more is undone than was done", testUndoTooMuch},
		{"a success forgets all", testForget},
		{"failures are forgotten a day after the last", testAttemptsKept},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := sessiontest.NewClock()
			tt.run(t, open(t, clock), clock)
		})
	}
}

// moment is too soon, and what a store may round by is much less.
const moment = time.Millisecond

// waits fails unless the answer is to wait for as long as want, 0 for not at all.
func waits(t *testing.T, what string, got time.Duration, err error, want time.Duration) {
	t.Helper()
	if err != nil || (got > 0) != (want > 0) || (got-want).Abs() >= moment/2 {
		t.Fatalf("%s: wait %v, %v; want %v", what, got, err, want)
	}
}

func takes(t *testing.T, l auth.Limiter, key string, a session.Allowance, want time.Duration) {
	t.Helper()
	got, err := l.Take(t.Context(), key, a)
	waits(t, fmt.Sprintf("take of %.40q", key), got, err, want)
}

// everyone is a handle for each of two instances, or twice the same when one
// process is all that l serves.
func everyone(t *testing.T, l auth.Limiter) [2]auth.Limiter {
	if p, ok := l.(PeeredLimiter); ok {
		return [2]auth.Limiter{l, p.Peer(t)}
	}
	return [2]auth.Limiter{l, l}
}

// allowances are the product's, and some that do not divide.
var allowances = []session.Allowance{
	auth.DefaultLimits.SignIn, auth.DefaultLimits.Register, auth.DefaultLimits.Refresh, auth.DefaultLimits.Inline, auth.DefaultLimits.Password, auth.DefaultLimits.Change,
	{Count: 1, Per: time.Second}, {Count: 3, Per: time.Second}, {Count: 7, Per: time.Minute}, {Count: 11, Per: 24 * time.Hour},
}

func testTake(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	both := everyone(t, l)
	for _, a := range allowances {
		key := fmt.Sprintf("take:%d in %v", a.Count, a.Per)
		one := a.Per / time.Duration(a.Count)
		for i := range a.Count {
			takes(t, both[i%2], key, a, 0)
		}
		for i := range 2 * a.Count {
			wait, err := both[i%2].Take(t.Context(), key, a)
			waits(t, key+", too many", wait, err, one)
			clock.Advance(wait - moment)
			takes(t, l, key, a, moment)
			clock.Advance(moment) // in all exactly what was said
			takes(t, l, key, a, 0)
		}
		// The rest of the wait is returned at any time.
		takes(t, l, key, a, one)
		clock.Advance(one / 4)
		takes(t, l, key, a, one-one/4)
	}
}

func testTakeRefused(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	a := session.Allowance{Count: 2, Per: time.Minute}
	takes(t, l, "k", a, 0)
	takes(t, l, "k", a, 0)
	for left := 30 * time.Second; left > 0; left -= time.Second {
		takes(t, l, "k", a, left)
		clock.Advance(time.Second)
	}
	takes(t, l, "k", a, 0)
	takes(t, l, "k", a, 30*time.Second)
}

func testTakeIdle(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	a := session.Allowance{Count: 4, Per: time.Minute}
	for _, idle := range []time.Duration{0, time.Minute, time.Hour, 1000 * time.Hour} {
		clock.Advance(idle)
		for range a.Count {
			takes(t, l, "k", a, 0)
		}
		takes(t, l, "k", a, 15*time.Second)
	}
	clock.Advance(45 * time.Second)
	for range 3 {
		takes(t, l, "k", a, 0)
	}
	takes(t, l, "k", a, 15*time.Second)
}

func testTakeNothing(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	for _, a := range []session.Allowance{{}, {Per: time.Minute}, {Count: 5}, {Count: -1, Per: time.Minute}} {
		for range 2 {
			if wait, err := l.Take(t.Context(), "k", a); err != nil || wait < time.Second {
				t.Errorf("%+v: wait %v, %v", a, wait, err)
			}
			clock.Advance(time.Hour)
		}
	}
}

func testTakeKeys(t *testing.T, l auth.Limiter, _ *sessiontest.Clock) {
	minute, hour := session.Allowance{Count: 2, Per: time.Minute}, session.Allowance{Count: 3, Per: time.Hour}
	for range 2 {
		takes(t, l, "signin:192.0.2.1", minute, 0)
	}
	for range 3 {
		takes(t, l, "register:192.0.2.1", hour, 0)
	}
	takes(t, l, "signin:192.0.2.1", minute, 30*time.Second)
	takes(t, l, "register:192.0.2.1", hour, 20*time.Minute)
	takes(t, l, "signin:192.0.2.2", minute, 0)
	attempt(t, l, "signin:192.0.2.1", 0) // is counted apart
}

func testTakeRace(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	a := session.Allowance{Count: 10, Per: time.Minute}
	take := func(ctx context.Context, l auth.Limiter) (time.Duration, error) { return l.Take(ctx, "k", a) }
	race(t, l, 10, 6*time.Second, take)
	race(t, l, 0, 6*time.Second, take)
	clock.Advance(18 * time.Second)
	race(t, l, 3, 6*time.Second, take)
}

// race calls a hundred times at once, on two instances, and fails unless want
// are allowed and all others must wait for so long.
func race(t *testing.T, l auth.Limiter, want int64, wait time.Duration, call func(context.Context, auth.Limiter) (time.Duration, error)) {
	t.Helper()
	both := everyone(t, l)
	var in atomic.Int64
	var all errgroup.Group
	start := make(chan struct{})
	for i := range 100 {
		all.Go(func() error {
			<-start
			got, err := call(t.Context(), both[i%2])
			switch {
			case err != nil:
				return err
			case got == 0:
				in.Add(1)
			case (got - wait).Abs() >= moment/2:
				return fmt.Errorf("told to wait %v, want %v", got, wait)
			}
			return nil
		})
	}
	close(start)
	must(t, all.Wait())
	if in.Load() != want {
		t.Errorf("%d of a hundred were let in, want %d", in.Load(), want)
	}
}

func testClockBack(t *testing.T, l auth.Limiter, clock *sessiontest.Clock) {
	a := session.Allowance{Count: 2, Per: time.Minute}
	for range 5 {
		attempt(t, l, "five", 0)
	}
	for range 2 {
		takes(t, l, "k", a, 0)
		attempt(t, l, "two", 0)
	}
	clock.Advance(-30 * 24 * time.Hour)
	takes(t, l, "k", a, 30*time.Second)
	attempt(t, l, "five", time.Second)
	clock.Advance(30 * time.Second)
	takes(t, l, "k", a, 0)
	takes(t, l, "k", a, 30*time.Second)
	attempt(t, l, "five", 0)
	attempt(t, l, "five", 2*time.Second)
	for range 3 {
		attempt(t, l, "two", 0)
	}
	attempt(t, l, "two", time.Second)
}

// oddKeys must not be taken for one another: emails and addresses end up in
// keys, and who signs in says what the email is.
var oddKeys = []string{
	"", "a", "A", "{a}", "{}", "{", "}", "{a}b", "b{a}", "a:b", "a::b", ":a", "a b", " a", "a ", "a\n", "a\r\nFLUSHALL\r\n", "a\x00", "\x00",
	"\xff", "\xfe", "\uFFFD", "é", "e\u0301", "*", "[a]", "a%20b", "signin:o'hara+\"<x>\"@example.com", "2001:db8::/64",
	strings.Repeat("a", 100_000), strings.Repeat("a", 100_000) + "b",
}

func testOddKeys(t *testing.T, l auth.Limiter, _ *sessiontest.Clock) {
	once := session.Allowance{Count: 1, Per: time.Minute}
	for _, key := range oddKeys {
		takes(t, l, key, once, 0)
		for range 5 {
			attempt(t, l, key, 0)
		}
	}
	for _, key := range oddKeys {
		takes(t, l, key, once, time.Minute)
		attempt(t, l, key, time.Second)
	}
	for i, key := range oddKeys {
		if i%2 == 0 {
			must(t, l.Undo(t.Context(), key))
		} else {
			must(t, l.Forget(t.Context(), key))
		}
		attempt(t, l, key, 0)
		for _, other := range slices.Concat(oddKeys[:i], oddKeys[i+1:]) {
			if free := slices.Index(oddKeys, other) < i && slices.Index(oddKeys, other)%2 == 1; !free {
				attempt(t, l, other, time.Second)
			}
		}
	}
}

func testLimiterCancelled(t *testing.T, l auth.Limiter, _ *sessiontest.Clock) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := session.Allowance{Count: 1, Per: time.Minute}
	for range 5 {
		attempt(t, l, "undone", 0)
		attempt(t, l, "forgotten", 0)
	}
	for range 6 {
		wait, err1 := l.Take(ctx, "k", a)
		again, err2 := l.Attempt(ctx, "k")
		for _, err := range []error{err1, err2, l.Undo(ctx, "undone"), l.Forget(ctx, "forgotten")} {
			if !errors.Is(err, context.Canceled) || wait != 0 || again != 0 {
				t.Errorf("%v, wait %v and %v; want context.Canceled", err, wait, again)
			}
		}
	}
	takes(t, l, "k", a, 0)
	for range 5 {
		attempt(t, l, "k", 0)
	}
	for _, key := range []string{"k", "undone", "forgotten"} {
		attempt(t, l, key, time.Second)
	}
}
