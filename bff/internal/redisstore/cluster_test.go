package redisstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// A script that touches keys of two slots, or one that it did not announce,
// passes every test on a single server. One master has all slots and refuses
// it all the same; of three, two have to be found first.
func TestSessionsOnRedisCluster(t *testing.T) {
	for _, masters := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d masters", masters), func(t *testing.T) {
			t.Parallel()
			c := servertest.Cluster(t, masters)
			contract(t, c.URL, c.Masters...)
		})
	}
}

func TestOutageOfACluster(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, 1)
	node := c.Masters[0]
	s := open(t, c.URL, time.Now)
	x := typical("u", "s", time.Now())
	create(t, s, x)
	f := sessiontest.Subscribe(t, s, time.Hour)
	node.Pause()
	notAsked(t, s, typical("u", "other", time.Now()))
	node.Resume()
	asked(t, s, x)
	node.Kill()
	notAsked(t, s, typical("u", "other", time.Now()))
	node.Start()
	asked(t, s, x) // through two seconds of CLUSTERDOWN
	r := revocation(x, time.Now())
	must(t, s.End(t.Context(), r))
	f.Expect(t, r)
}

// spread is a user for each master, whose sessions it keeps, and the place of
// the stream among them.
func spread(t *testing.T, c *servertest.ClusterHandle) (users []string, stream int) {
	t.Helper()
	users = make([]string, len(c.Masters))
	looks := make([]*redis.Client, len(c.Masters))
	for i, m := range c.Masters {
		looks[i] = raw(t, m.URL)
	}
	// A master answers for its own keys and says MOVED of all others.
	owner := func(key string) int {
		t.Helper()
		for i, look := range looks {
			if look.Exists(t.Context(), key).Err() == nil {
				return i
			}
		}
		t.Fatalf("nobody keeps %s", key)
		return 0
	}
	for n, found := 0, 0; found < len(users); n++ {
		user := fmt.Sprintf("u%d", n)
		if at := owner("sessions:{" + user + "}"); users[at] == "" {
			users[at], found = user, found+1
		}
	}
	return users, owner("revocations")
}

// Of three masters one dies: the sessions of the other two go on, and of those
// that it kept nobody says that they are gone.
func TestMasterOfAClusterIsKilled(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, 3)
	users, stream := spread(t, c)
	s := open(t, c.URL, time.Now)
	for _, user := range users {
		create(t, s, typical(user, "s", time.Now()))
	}
	f := sessiontest.Subscribe(t, s, time.Hour)
	// renew is what a refresh asks of the store.
	renew := func(user string) error {
		x, err := s.Get(t.Context(), user, "s")
		if errors.Is(err, session.ErrNoSession) {
			t.Fatalf("told that the session of %s is gone", user)
		}
		if err == nil {
			err = s.Swap(t.Context(), x, x)
		}
		return err
	}
	lost := (stream + 1) % len(users)
	user, dead := users[lost], c.Masters[lost]
	dead.Kill()
	for _, id := range []string{"s", "never there"} {
		unanswered(t, s, user, id)
	}
	for i, other := range users {
		if i != lost {
			must(t, renew(other))
		}
	}
	must(t, s.Ping(t.Context()))
	// An end that cannot remove the session is announced all the same.
	half := revocation(typical(user, "s", time.Now()), time.Now())
	if err := s.End(t.Context(), half); !errors.Is(err, session.ErrSessionStore) {
		t.Errorf("an end on a dead master: %v, want ErrSessionStore", err)
	}
	f.Expect(t, half)
	dead.Start()
	eventually(t, "the master takes part again", func() error { return renew(user) })

	// The one with the stream: nothing can be ended, everything else goes on.
	c.Masters[stream].Kill()
	if err := s.Ping(t.Context()); !errors.Is(err, session.ErrSessionStore) {
		t.Errorf("ping without the stream's master: %v", err)
	}
	eventually(t, "the follower knows", func() error {
		if s.Following() == nil {
			return errors.New("it is said to be following")
		}
		return nil
	})
	unanswered(t, s, users[stream], "s")
	must(t, renew(user))
	x := typical(user, "later", time.Now())
	create(t, s, x)
	r := revocation(x, time.Now())
	if err := s.End(t.Context(), r); !errors.Is(err, session.ErrSessionStore) {
		t.Errorf("an end that cannot be announced: %v, want ErrSessionStore", err)
	}
	if _, err := s.Get(t.Context(), user, "later"); err != nil {
		t.Errorf("it was removed without a word: %v", err)
	}
	c.Masters[stream].Start()
	eventually(t, "the end is announced", func() error { return s.End(t.Context(), r) })
	f.Expect(t, r)
}

// unanswered fails unless Get says, within the budget, that it cannot know.
func unanswered(t *testing.T, s *redisstore.Store, user, id string) {
	t.Helper()
	start := time.Now()
	_, err := s.Get(t.Context(), user, id)
	if !errors.Is(err, session.ErrSessionStore) || errors.Is(err, session.ErrNoSession) {
		t.Errorf("get of %s on a dead master: %v, want ErrSessionStore and nothing else", id, err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v to say that there is no answer", took)
	}
}
