package redisstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func TestFollowerHearsWhatItMissed(t *testing.T) {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	there := open(t, server.URL, clock.Now)
	cable := lineTo(t, server.Addr())
	here := open(t, cable.url, clock.Now)
	if err := here.Following(); err == nil {
		t.Error("said to be following before anybody is")
	}

	end := func(id string) session.Revocation {
		r := revocation(typical("u", id, clock.Now()), clock.Advance(time.Second))
		must(t, there.End(t.Context(), r))
		return r
	}
	f := sessiontest.Subscribe(t, here, time.Hour)
	want := []session.Revocation{end("before")}
	f.Expect(t, want...)
	eventually(t, "said to be following", here.Following)

	cable.setCut(true)
	eventually(t, "the outage is known", func() error {
		if err := here.Following(); err == nil || !errors.Is(err, session.ErrSessionStore) {
			return fmt.Errorf("following: %v", err)
		}
		return nil
	})
	for i := range 2500 { // more than one page
		want = append(want, end(fmt.Sprintf("missed %d", i)))
	}
	if heard := f.Received(); len(heard) != 1 {
		t.Fatalf("heard %d through a cut line", len(heard))
	}
	cable.setCut(false)
	f.Expect(t, want[len(want)-1])
	want = append(want, end("after"))
	f.Expect(t, want[len(want)-1])
	if diff := cmp.Diff(want, f.Received()); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	eventually(t, "said to be following again", here.Following)

	server.Stop()
	server.Start()
	var last session.Revocation
	eventually(t, "the server is back", func() error {
		last = revocation(typical("u", "last", clock.Now()), clock.Now())
		return there.End(t.Context(), last)
	})
	f.Expect(t, last)
	f.Stop(t)
	if err := here.Following(); err == nil {
		t.Error("said to be following after the end")
	}
}

// After FLUSHALL, or a restart without a file, ids start anew: by the clock of
// whoever writes first, which may be behind.
func TestFollowerOfALostStream(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	clock, behind := sessiontest.NewClock(), sessiontest.NewClock()
	here, there := open(t, server.URL, clock.Now), open(t, server.URL, behind.Now)
	f := sessiontest.Subscribe(t, here, time.Hour)
	first := revocation(typical("u", "first", clock.Now()), clock.Now())
	must(t, here.End(t.Context(), first))
	f.Expect(t, first)

	must(t, raw(t, server.URL).FlushAll(t.Context()).Err())
	behind.Advance(-30 * time.Second)
	second := revocation(typical("u", "second", clock.Now()), clock.Now())
	must(t, there.End(t.Context(), second))
	f.Expect(t, second)
}

// A replica that takes over may lack its master's last entries, and then go on
// with ids that the follower has read past.
func TestFollowerAfterAFailover(t *testing.T) {
	server := servertest.Redis(t)
	clock, behind := sessiontest.NewClock(), sessiontest.NewClock()
	behind.Advance(-30 * time.Second)
	cable := lineTo(t, server.Addr())
	here := open(t, cable.url, clock.Now)
	there, late := open(t, server.URL, clock.Now), open(t, server.URL, behind.Now)
	end := func(s *redisstore.Store, id string) session.Revocation {
		r := revocation(typical("u", id, clock.Now()), clock.Advance(time.Second))
		must(t, s.End(t.Context(), r))
		return r
	}
	f := sessiontest.Subscribe(t, here, time.Hour)
	f.Expect(t, end(there, "before"))
	cable.setCut(true)
	must(t, raw(t, server.URL).FlushAll(t.Context()).Err())
	second, third := end(late, "by a clock behind"), end(there, "after")
	cable.setCut(false)
	f.Expect(t, second, third)
}

func TestFollowerStopsWhileRedisHangs(t *testing.T) {
	server := servertest.Redis(t)
	s := open(t, server.URL, time.Now)
	r := revocation(typical("u", "s", time.Now()), time.Now())
	must(t, s.End(t.Context(), r))
	f := sessiontest.Subscribe(t, s, time.Hour)
	f.Expect(t, r)
	server.Pause()
	defer server.Resume()
	start := time.Now()
	f.Stop(t)
	if took := time.Since(start); took > 2*time.Second { // the question that it waits with has three
		t.Errorf("it took %v to stop following", took)
	}
}

// Without a flush, an instance whose clock is behind is heard at once.
func TestClockBehind(t *testing.T) {
	server := servertest.Redis(t)
	clock, behind := sessiontest.NewClock(), sessiontest.NewClock()
	behind.Advance(-30 * time.Minute)
	here, there := open(t, server.URL, clock.Now), open(t, server.URL, behind.Now)
	first := revocation(typical("u", "first", clock.Now()), clock.Now())
	must(t, here.End(t.Context(), first))
	second := revocation(typical("u", "second", clock.Now()), clock.Now())
	must(t, there.End(t.Context(), second))
	// To one who comes later, what is written now happened now.
	f := sessiontest.Subscribe(t, here, time.Minute)
	f.Expect(t, first, second)
}

func TestFollowersDoNotStarveRequests(t *testing.T) {
	server := servertest.Redis(t)
	s := open(t, server.URL+"?pool_size=1", time.Now)
	r := revocation(typical("u", "ended", time.Now()), time.Now())
	must(t, s.End(t.Context(), r))
	for range 5 {
		sessiontest.Subscribe(t, s, time.Hour).Expect(t, r)
	}
	x := typical("u", "s", time.Now())
	create(t, s, x)
	start := time.Now()
	for range 200 {
		if _, err := s.Get(t.Context(), x.UserID, x.ID); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took > time.Minute { // each waited two seconds
		t.Errorf("200 reads beside five waiting followers took %v", took)
	}
}
