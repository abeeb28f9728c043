package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// A master of a Cluster that does not come back, or hangs, has its replica in
// its place within seconds. The client went on asking the dead one for a minute:
// it read the slots again after a MOVED, which a dead server does not say.
func TestReplicaTakesOverFromAMasterThatStaysAway(t *testing.T) {
	for name, away := range map[string]func(*servertest.RedisHandle){
		"killed": (*servertest.RedisHandle).Kill,
		"hangs":  (*servertest.RedisHandle).Pause,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := servertest.ReplicatedCluster(t, 3)
			users, stream := spread(t, c)
			s := open(t, c.URL, time.Now)
			for _, user := range users {
				create(t, s, typical(user, "s", time.Now()))
			}
			f := sessiontest.Subscribe(t, s, time.Hour)
			before := revocation(typical("u", "before", time.Now()), time.Now())
			must(t, s.End(t.Context(), before))
			f.Expect(t, before)
			// What a replica has not been sent yet is lost with its master.
			c.CatchUp(stream)

			start := time.Now()
			t.Cleanup(c.Masters[stream].Kill) // one that hangs does not end in order
			away(c.Masters[stream])
			user := users[stream]
			renew := func() error {
				x, err := s.Get(t.Context(), user, "s")
				if errors.Is(err, session.ErrNoSession) {
					t.Fatal("told that the session is gone, during a takeover")
				}
				if err == nil {
					err = s.Swap(t.Context(), x, x)
				}
				return err
			}
			if err := renew(); err != nil && !errors.Is(err, session.ErrSessionStore) { // nil: the machine was that slow
				t.Errorf("while it is away: %v, want ErrSessionStore", err)
			}
			c.AwaitTakeover(stream)
			t.Logf("taken over after %v", time.Since(start))
			eventually(t, "the replica is asked", renew)
			t.Logf("sessions after %v", time.Since(start))
			after := revocation(typical(user, "s", time.Now()), time.Now())
			eventually(t, "an end is announced", func() error { return s.End(t.Context(), after) })
			f.Expect(t, after)
			t.Logf("ends after %v", time.Since(start))
			eventually(t, "the store is ready", func() error { return errors.Join(s.Ping(t.Context()), s.Following()) })
			for i, other := range users {
				if _, err := s.Get(t.Context(), other, "s"); i != stream && err != nil {
					t.Errorf("a session at another master: %v", err)
				}
			}
			if name == "hangs" {
				// It finds out that it is a replica now; until it has, it may answer as
				// a master, from what it had.
				c.Masters[stream].Resume()
				c.AwaitReplica(stream)
				must(t, s.Ping(t.Context()))
				if _, err := s.Get(t.Context(), user, "s"); !errors.Is(err, session.ErrNoSession) {
					t.Errorf("an ended session, with the old master back: %v", err)
				}
			}
		})
	}
}
