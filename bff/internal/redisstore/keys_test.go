package redisstore_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func allKeys(t *testing.T, look *redis.Client) []string {
	t.Helper()
	keys, err := look.Keys(t.Context(), "*").Result()
	must(t, err)
	slices.Sort(keys)
	return keys
}

// The names of keys are a promise to operators, and to the next version.
func TestKeys(t *testing.T) {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	s, look := open(t, server.URL, clock.Now), raw(t, server.URL)
	x, y := typical("USER1", "SID1", clock.Now()), typical("USER1", "SID2", clock.Now())
	y.IdleEnd = clock.Now().Add(time.Hour)
	create(t, s, x)
	create(t, s, y)

	want := []string{"refresh:{USER1}:SID1", "refresh:{USER1}:SID2", "sessions:{USER1}"}
	if diff := cmp.Diff(want, allKeys(t, look)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	lives := func(key string, want time.Duration) {
		t.Helper()
		got, err := look.PTTL(t.Context(), key).Result()
		must(t, err)
		if got > want || got < want-10*time.Second {
			t.Errorf("%s lives for %v, want %v", key, got, want)
		}
	}
	lives("refresh:{USER1}:SID1", 168*time.Hour)
	lives("refresh:{USER1}:SID2", time.Hour)
	lives("sessions:{USER1}", 168*time.Hour)
	score, err := look.ZScore(t.Context(), "sessions:{USER1}", "SID2").Result()
	must(t, err)
	if int64(score) != y.IdleEnd.UnixMilli() {
		t.Errorf("SID2 is indexed by %.0f, want its end, %d", score, y.IdleEnd.UnixMilli())
	}

	later := y
	later.IdleEnd = clock.Now().Add(400 * time.Hour)
	must(t, s.Swap(t.Context(), y, later))
	lives("refresh:{USER1}:SID2", 400*time.Hour)
	lives("sessions:{USER1}", 400*time.Hour)

	must(t, s.End(t.Context(), revocation(later, clock.Now())))
	lives("sessions:{USER1}", 168*time.Hour)
	must(t, s.End(t.Context(), revocation(x, clock.Now())))
	if diff := cmp.Diff([]string{"revocations"}, allKeys(t, look)); diff != "" {
		t.Errorf("keys after all sessions have ended (-want +got):\n%s", diff)
	}
}

func TestOddIDsAreEscaped(t *testing.T) {
	server := servertest.Redis(t)
	s := open(t, server.URL, time.Now)
	create(t, s, typical("a}b:é", "", time.Now()))
	want := []string{"refresh:{a%7Db%3A%C3%A9}:%", "sessions:{a%7Db%3A%C3%A9}"}
	if diff := cmp.Diff(want, allKeys(t, raw(t, server.URL))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// Redis forgets by itself what nobody asks for any more.
func TestRedisForgets(t *testing.T) {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	s, look := open(t, server.URL, clock.Now), raw(t, server.URL)
	x := typical("u", "s", clock.Now())
	x.IdleEnd = clock.Now().Add(50 * time.Millisecond)
	create(t, s, x)
	eventually(t, "the keys expire", func() error {
		if keys := allKeys(t, look); len(keys) > 0 {
			return errors.New(strings.Join(keys, " "))
		}
		return nil
	})
}

// Index entries whose record is gone (evicted, deleted by hand) are dropped
// when they are seen.
func TestGhostsAreRepaired(t *testing.T) {
	server := servertest.Redis(t)
	s, look := open(t, server.URL, time.Now), raw(t, server.URL)
	for _, id := range []string{"stays", "listed", "asked for"} {
		create(t, s, typical("u", id, time.Now()))
	}
	ghost := func(id string, see func()) {
		t.Helper()
		must(t, look.Del(t.Context(), "refresh:{u}:"+strings.ReplaceAll(id, " ", "%20")).Err())
		see()
		if err := look.ZScore(t.Context(), "sessions:{u}", id).Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("the ghost %q is still in the index: %v", id, err)
		}
	}
	ghost("listed", func() {
		list, err := sessiontest.ListSessions(t.Context(), s, "u")
		if err != nil || len(list) != 2 {
			t.Errorf("list: %d sessions, %v, want 2", len(list), err)
		}
	})
	ghost("asked for", func() {
		if _, err := s.Get(t.Context(), "u", "asked for"); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("get of a ghost: %v", err)
		}
	})
	// An index that was lost comes back with the next rotation.
	must(t, look.Del(t.Context(), "sessions:{u}").Err())
	x := typical("u", "stays", time.Now())
	must(t, s.Swap(t.Context(), x, x))
	if list, err := sessiontest.ListSessions(t.Context(), s, "u"); err != nil || len(list) != 1 {
		t.Errorf("list after the index was lost: %d sessions, %v", len(list), err)
	}
}

// During a rollout an old instance reads what a new one has written.
func TestFieldsToCome(t *testing.T) {
	server := servertest.Redis(t)
	s, look := open(t, server.URL, time.Now), raw(t, server.URL)
	x := typical("u", "s", time.Now().Truncate(time.Millisecond))
	create(t, s, x)
	text, err := look.Get(t.Context(), "refresh:{u}:s").Result()
	must(t, err)
	text = strings.TrimSuffix(text, "}") + `,"zz":{"a":[1,"}"]},"y":null}`
	must(t, look.Set(t.Context(), "refresh:{u}:s", text, time.Hour).Err())

	got, err := s.Get(t.Context(), "u", "s")
	must(t, err)
	if diff := cmp.Diff(x.Account, got.Account); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}
	must(t, s.Swap(t.Context(), got, got))

	// And one that cannot be read at all is no reason to sign anybody out.
	for _, garbage := range []string{"", "{", "null", `{"n":"a"}`, "\x00\xff", `{"v":1,"i":99999999999999,"e":7}`} {
		must(t, look.Set(t.Context(), "refresh:{u}:s", garbage, time.Hour).Err())
		if _, err := s.Get(t.Context(), "u", "s"); !errors.Is(err, session.ErrSessionStore) {
			t.Errorf("get of the record %q: %v, want ErrSessionStore", garbage, err)
		}
		if err := s.Swap(t.Context(), x, x); !errors.Is(err, session.ErrSessionStore) && !errors.Is(err, session.ErrConflict) {
			t.Errorf("swap of the record %q: %v, want ErrSessionStore", garbage, err)
		}
	}
}

// Weeks of sessions of every member are in memory at once.
func TestBytesPerSession(t *testing.T) {
	server := servertest.Redis(t)
	s, look := open(t, server.URL, time.Now), raw(t, server.URL)
	usage := func(key string) int64 {
		t.Helper()
		n, err := look.MemoryUsage(t.Context(), key, 0).Result()
		must(t, err)
		return n
	}
	for _, sessions := range []int{1, 3} {
		user := rand.Text()
		var total int64
		for range sessions {
			x := typical(user, rand.Text(), time.Now())
			create(t, s, x)
			total += usage("refresh:{" + user + "}:" + x.ID)
		}
		index := usage("sessions:{" + user + "}")
		each := (total + index) / int64(sessions)
		t.Logf("%d sessions of one user: %d bytes each (record %d, index %d)", sessions, each, total/int64(sessions), index/int64(sessions))
		if each > 600 {
			t.Errorf("%d bytes a session, want at most 600", each)
		}
	}
}

// The stream does not grow for ever.
func TestStreamIsTrimmed(t *testing.T) {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	s, look := open(t, server.URL, clock.Now), raw(t, server.URL)
	for range 3000 {
		must(t, s.End(t.Context(), revocation(typical("u", "s", clock.Now()), clock.Advance(time.Minute))))
	}
	n, err := look.XLen(t.Context(), "revocations").Result()
	must(t, err)
	if n < 4*60 || n > 4*60+200 {
		t.Errorf("%d revocations, one a minute, are kept for 4 hours", n)
	}
}

// No announcement is lost while the removal is kept, whichever of the two
// Redis refuses.
func TestEndInHalves(t *testing.T) {
	server := servertest.Redis(t)
	look := raw(t, server.URL)
	s := open(t, server.URL, time.Now)
	f := sessiontest.Subscribe(t, s, time.Hour)
	limited := func(name, command string) *redisstore.Store {
		t.Helper()
		must(t, look.Do(t.Context(), "ACL", "SETUSER", name, "on", ">hunter2", "~*", "+@all", "-"+command).Err())
		return open(t, strings.Replace(server.URL, "redis://", "redis://"+name+":hunter2@", 1), time.Now)
	}
	x := typical("u", "s", time.Now())
	create(t, s, x)
	r := revocation(x, time.Now())

	silent := limited("silent", "xadd")
	if err := silent.End(t.Context(), r); !errors.Is(err, session.ErrSessionStore) {
		t.Errorf("an end that cannot be announced: %v, want ErrSessionStore", err)
	}
	asked(t, s, x)

	keeping := limited("keeping", "del")
	if err := keeping.End(t.Context(), r); !errors.Is(err, session.ErrSessionStore) {
		t.Errorf("an end that cannot remove: %v, want ErrSessionStore", err)
	}
	f.Expect(t, r)
	asked(t, s, x)
	must(t, s.End(t.Context(), r))
	if _, err := s.Get(t.Context(), "u", "s"); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("after the end was tried again: %v", err)
	}
}
