package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// stage is a stream of revocations under a clock that tests move.
type stage struct {
	t     *testing.T
	url   string
	clock *sessiontest.Clock
	look  *redis.Client
}

func newStage(t *testing.T) *stage {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	clock.Set(clock.Now().Truncate(time.Second).Add(300 * time.Millisecond))
	return &stage{t, server.URL, clock, raw(t, server.URL)}
}

// instance has a store that keeps revocations for as long as its access tokens live.
func (s *stage) instance(accessTTL time.Duration, clock *sessiontest.Clock) *redisstore.Store {
	s.t.Helper()
	store, err := redisstore.Open(s.t.Context(), redisstore.Config{URL: s.url, Keep: accessTTL, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, store.Close()) })
	return store
}

func (s *stage) end(by *redisstore.Store, id string) session.Revocation {
	s.t.Helper()
	r := revocation(typical("u", id, s.clock.Now()), s.clock.Now())
	must(s.t, by.End(s.t.Context(), r))
	return r
}

// started follows until everything is read, as an instance does at its start,
// and gives what it was told.
func (s *stage) started(by *redisstore.Store, keep time.Duration) (heard []session.Revocation, lost []time.Time) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	caughtUp := false
	_ = by.Subscribe(ctx, keep, session.Subscriber{
		Revoked:  func(r session.Revocation) { heard = append(heard, r) },
		Lost:     func(before time.Time) { lost = append(lost, before) },
		CaughtUp: func() { caughtUp = true; cancel() },
	})
	if !caughtUp {
		s.t.Fatal("not caught up")
	}
	return heard, lost
}

// second is the start of the clock's second, which is an access token's date.
func (s *stage) second() time.Time { return s.clock.Now().Truncate(time.Second).UTC() }

func (s *stage) wantLost(by *redisstore.Store, want ...time.Time) {
	s.t.Helper()
	if _, lost := s.started(by, 15*time.Minute); fmt.Sprint(lost) != fmt.Sprint(want) {
		s.t.Errorf("lost from before %v, want %v", lost, want)
	}
}

// Half a million entries later the first was gone, and an instance that started
// then took the access token that it speaks of.
func TestStreamKeepsWhatIsYoungerThanAnAccessToken(t *testing.T) {
	s := newStage(t)
	a := s.instance(15*time.Minute, s.clock)
	s.end(a, "first")
	for from := 10; from < 510_010; from += 10_000 { // one script for all would be one that Redis calls busy
		must(t, s.look.Eval(t.Context(), `for i = tonumber(ARGV[2]), tonumber(ARGV[2]) + 9999 do
			redis.call('XADD', KEYS[1], ARGV[1] .. '-' .. i, 'u', 'u', 's', 's' .. i, 'r', 'sign_out', 't', ARGV[1], 'g', '0', 'i', '0')
		end
		return 1`, []string{"revocations"}, s.clock.Now().UnixMilli(), from).Err())
	}
	s.clock.Advance(14 * time.Minute)
	s.end(a, "last")
	entries, err := s.look.XRangeN(t.Context(), "revocations", "-", "+", 2).Result() // the notice, and the first
	if n, lenErr := s.look.XLen(t.Context(), "revocations").Result(); err != nil || lenErr != nil || n != 510_003 ||
		len(entries) != 2 || entries[1].Values["s"] != "first" {
		t.Errorf("%d entries are kept, beginning with %v, %v; want all 510003", n, entries, errors.Join(err, lenErr))
	}
	// And it goes when it is older.
	s.clock.Advance(20 * time.Minute)
	for range 60 { // Redis removes ten thousand at a time, so that others do not wait
		must(t, a.Ping(t.Context()))
	}
	if n, err := s.look.XLen(t.Context(), "revocations").Result(); err != nil || n > 200 {
		t.Errorf("%d entries are kept of 510003, %v", n, err)
	}
}

// bytes an entry, for operations.md.
func TestBytesPerRevocation(t *testing.T) {
	s := newStage(t)
	a := s.instance(15*time.Minute, s.clock)
	const n = 10_000
	ends := make([]session.Revocation, n)
	for i := range ends {
		id := fmt.Sprintf("%026d", i)
		ends[i] = session.Revocation{UserID: strings.Repeat("U", 26), SessionID: id, Reason: session.ReasonSignOut, At: s.clock.Now()}
	}
	for i := 0; i < n; i += 500 {
		s.clock.Advance(time.Millisecond)
		must(t, a.End(t.Context(), ends[i:i+500]...))
	}
	bytes, err := s.look.MemoryUsage(t.Context(), "revocations", 0).Result()
	must(t, err)
	t.Logf("%d bytes an entry", bytes/n)
	if bytes/n > 200 {
		t.Errorf("%d bytes an entry, want at most 200", bytes/n)
	}
}

// Redis without a stream: new, or emptied. Which of the two cannot be known,
// and there are no access tokens to refuse when it is new.
func TestInstanceThatStartsOnAnEmptyRedis(t *testing.T) {
	s := newStage(t)
	began := s.second()
	s.wantLost(s.instance(15*time.Minute, s.clock), began)
	// The next one knows since when: nothing was lost after that.
	s.clock.Advance(time.Minute)
	s.wantLost(s.instance(15*time.Minute, s.clock), began)
	// And when that is longer ago than any access token lives, nothing at all.
	s.clock.Advance(17 * time.Minute)
	s.wantLost(s.instance(15*time.Minute, s.clock))
}

func TestInstanceThatStartsAfterAFlush(t *testing.T) {
	s := newStage(t)
	a := s.instance(15*time.Minute, s.clock)
	s.wantLost(a, s.second())
	s.clock.Advance(time.Hour)
	s.end(a, "ended")
	must(t, s.look.FlushAll(t.Context()).Err())
	s.clock.Advance(5 * time.Second)
	s.wantLost(s.instance(15*time.Minute, s.clock), s.second())
}

func TestInstanceThatStartsAfterATrim(t *testing.T) {
	for what, tt := range map[string]struct {
		trim func(s *stage, ids []string) error
		lost bool
	}{
		"of all":         {func(s *stage, _ []string) error { return s.look.XTrimMaxLen(s.t.Context(), "revocations", 0).Err() }, true},
		"of all but one": {func(s *stage, _ []string) error { return s.look.XTrimMaxLen(s.t.Context(), "revocations", 1).Err() }, true},
		"of one in the middle": {func(s *stage, ids []string) error {
			return s.look.XDel(s.t.Context(), "revocations", ids[len(ids)-2]).Err()
		}, true},
		"of the last": {func(s *stage, ids []string) error {
			return s.look.XDel(s.t.Context(), "revocations", ids[len(ids)-1]).Err()
		}, true},
		"of none": {func(*stage, []string) error { return nil }, false},
	} {
		t.Run(what, func(t *testing.T) {
			s := newStage(t)
			a := s.instance(15*time.Minute, s.clock)
			s.started(a, 15*time.Minute)
			s.clock.Advance(time.Hour)
			for i := range 4 {
				s.clock.Advance(10 * time.Second)
				s.end(a, fmt.Sprint("s", i))
			}
			after := s.second().Add(time.Second) // the second of the last entry is refused too
			entries, err := s.look.XRange(t.Context(), "revocations", "-", "+").Result()
			must(t, err)
			ids := make([]string, 0, len(entries))
			for _, e := range entries {
				ids = append(ids, e.ID)
			}
			must(t, tt.trim(s, ids))
			s.clock.Advance(time.Minute)
			if tt.lost {
				s.wantLost(s.instance(15*time.Minute, s.clock), after)
			} else {
				s.wantLost(s.instance(15*time.Minute, s.clock))
			}
		})
	}
}

// While it follows, too: what was ended between the last news and the flush has
// not reached this instance.
func TestFollowerOfAStreamThatIsFlushed(t *testing.T) {
	s := newStage(t)
	a, b := s.instance(15*time.Minute, s.clock), s.instance(15*time.Minute, s.clock)
	first := s.end(a, "first")
	s.clock.Advance(time.Hour)
	g := sessiontest.Subscribe(t, b, 2*time.Hour)
	g.Expect(t, first) // before a follower with a shorter memory trims the stream
	f := sessiontest.Subscribe(t, a, 15*time.Minute)
	second := s.end(a, "second")
	f.Expect(t, second)
	g.Expect(t, second)
	f.LostNothing(t)
	s.clock.Advance(10 * time.Second)
	must(t, s.look.FlushAll(t.Context()).Err())
	f.Lost(t, s.second())
	g.Lost(t, s.second())
}

// A replica took over without its master's last entries, and none of the
// instances that had read them was asked: one that starts knows nothing of them.
func TestStreamThatWentBack(t *testing.T) {
	for _, busy := range []bool{false, true} {
		t.Run(fmt.Sprint("others write at once ", busy), func(t *testing.T) {
			s := newStage(t)
			a := s.instance(15*time.Minute, s.clock)
			s.started(a, 15*time.Minute)
			s.clock.Advance(time.Hour)
			f := sessiontest.Subscribe(t, a, 15*time.Minute)
			f.Expect(t, s.end(a, "first"))
			replica, err := s.look.Dump(t.Context(), "revocations").Result()
			must(t, err)
			s.clock.Advance(10 * time.Second)
			f.Expect(t, s.end(a, "lost"))
			s.clock.Advance(10 * time.Second)
			must(t, s.look.RestoreReplace(t.Context(), "revocations", 0, replica).Err())
			if busy {
				s.end(s.instance(15*time.Minute, s.clock), "other")
			}
			floor := s.second().Add(time.Second)
			f.Lost(t, floor)
			eventually(t, "every other instance is told", func() error {
				_, lost := s.started(s.instance(15*time.Minute, s.clock), 15*time.Minute)
				if len(lost) == 0 || !lost[len(lost)-1].Equal(floor) {
					return fmt.Errorf("lost %v, want %v", lost, floor)
				}
				return nil
			})
		})
	}
}

// During a change of ACCESS_TTL instances disagree on how long entries matter.
// The one with the longer tokens does not get what the other has trimmed.
func TestInstancesWithDifferentAccessTTL(t *testing.T) {
	s := newStage(t)
	long, short := s.instance(2*time.Hour, s.clock), s.instance(5*time.Minute, s.clock)
	s.started(long, 2*time.Hour)
	s.clock.Advance(3 * time.Hour)
	for i := range 300 {
		s.end(long, fmt.Sprint("old", i))
	}
	s.clock.Advance(time.Hour)
	s.end(short, "new")
	_, lost := s.started(s.instance(2*time.Hour, s.clock), 2*time.Hour)
	if n, err := s.look.XLen(t.Context(), "revocations").Result(); err != nil || n > 200 {
		t.Fatalf("nothing was trimmed: %d, %v", n, err)
	}
	if len(lost) != 1 || lost[0].After(s.second().Add(time.Second)) {
		t.Errorf("the instance with the longer tokens lost %v", lost)
	}
	s.wantLost(s.instance(5*time.Minute, s.clock))
}

// A clock that was a year ahead wrote under ids that nothing is older than: the
// stream grew for a year, or was cut by its length.
func TestStreamOfAClockFarAheadIsTrimmed(t *testing.T) {
	s := newStage(t)
	ahead := sessiontest.NewClock()
	ahead.Set(s.clock.Now().Add(365 * 24 * time.Hour))
	a := s.instance(15*time.Minute, s.clock)
	s.started(a, 15*time.Minute)
	s.end(s.instance(15*time.Minute, ahead), "by a clock far ahead")
	for range 600 {
		s.clock.Advance(time.Minute)
		s.end(a, "s")
	}
	if n, err := s.look.XLen(t.Context(), "revocations").Result(); err != nil || n < 15 || n > 30 {
		t.Errorf("%d entries of one a minute are kept for 17 minutes, %v", n, err)
	}
	// It costs an instance that starts nothing that is issued now.
	heard, lost := s.started(s.instance(15*time.Minute, s.clock), 15*time.Minute)
	if len(heard) < 15 {
		t.Errorf("heard of %d", len(heard))
	}
	for _, before := range lost {
		if before.After(s.clock.Now().Add(-10 * time.Minute)) {
			t.Errorf("lost from before %s, and it is %s", before, s.clock.Now())
		}
	}
}

// An instance whose clock is behind must not have tokens refused for as long,
// nor one that is ahead.
func TestLossIsNeverInTheFuture(t *testing.T) {
	s := newStage(t)
	ahead := sessiontest.NewClock()
	ahead.Set(s.clock.Now().Add(40 * time.Second))
	s.started(s.instance(15*time.Minute, ahead), 15*time.Minute) // begins the stream
	s.wantLost(s.instance(15*time.Minute, s.clock), s.second().Add(time.Second))
}
