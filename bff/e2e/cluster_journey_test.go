package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// onCluster is two instances on a Redis Cluster of three masters.
type onCluster struct {
	pair
	*servertest.ClusterHandle
	look []*redis.Client // at each master
	// emails are of members whose sessions each master keeps.
	emails []string
}

func startOnCluster(t *testing.T) *onCluster {
	t.Helper()
	c := &onCluster{ClusterHandle: servertest.Cluster(t, 3)}
	for _, m := range c.Masters {
		c.look = append(c.look, admin(t, m.URL))
	}
	s := onServices(t).crowd()
	s.env["REDIS_URL"] = c.URL
	c.a = s.start()
	c.b = c.a.twin()
	return c
}

// keeps gives the place of the master that keeps a key: it answers, the others
// say MOVED.
func (c *onCluster) keeps(t *testing.T, key string) int {
	t.Helper()
	i := slices.IndexFunc(c.look, func(look *redis.Client) bool { return look.Exists(t.Context(), key).Err() == nil })
	if i < 0 {
		t.Fatalf("nobody keeps %s", key)
	}
	return i
}

// residents signs people up until each master keeps the sessions of one.
func (c *onCluster) residents(t *testing.T) []tokens {
	t.Helper()
	all := make([]tokens, len(c.Masters))
	c.emails = make([]string, len(all))
	for n, found := 0, 0; found < len(all); n++ {
		email := fmt.Sprintf("member%d@example.com", n)
		with := c.a.somebody(email)
		if at := c.keeps(t, "sessions:{"+with.claims(t).User+"}"); all[at] == (tokens{}) {
			all[at], c.emails[at], found = with, email, found+1
		}
	}
	return all
}

// A journey on a Redis Cluster, people of all three masters: renewals, a race,
// a theft, live connections and sign-outs across instances.
func TestJourneyOnARedisCluster(t *testing.T) {
	t.Parallel()
	c := startOnCluster(t)
	residents := c.residents(t)
	for i, with := range residents {
		parent := with
		c.a.clock.Advance(16 * time.Minute)
		with = c.a.get("/api/demo/me", parent).renewed(t)
		if again := c.b.post("/api/auth/refresh", parent).renewed(t); again != with {
			t.Error("two children")
		}
		c.use(t, with, parent)
		ctx, cancel := context.WithCancel(t.Context())
		open := []live{c.a.live(ctx, with), c.b.live(ctx, with)}
		if i%2 == 0 {
			c.b.post("/api/auth/logout", with).want(t, 204)
		} else {
			c.a.clock.Advance(time.Minute)
			c.b.post("/api/auth/refresh", parent).keptOut(t, "refresh_reuse")
		}
		for _, l := range open {
			l.dies(t)
		}
		cancel()
		for _, at := range c.each() {
			at.get("/api/demo/me", tokens{access: with.access}).keptOut(t, "session_revoked")
			at.post("/api/auth/refresh", with).keptOut(t, "session_revoked")
		}
	}
	for i, look := range c.look {
		left, err := look.Keys(t.Context(), "refresh:*").Result()
		for _, key := range left {
			if slices.ContainsFunc(residents, func(k tokens) bool { return strings.HasSuffix(key, k.claims(t).Session) }) {
				t.Errorf("master %d still keeps %s, %v", i, key, err)
			}
		}
	}
}

// One of three masters dies. Members whose sessions another one keeps notice
// nothing; those of the dead one are told to come again, and keep what they
// have.
func TestMasterOfTheClusterDies(t *testing.T) {
	t.Parallel()
	c := startOnCluster(t)
	residents := c.residents(t)
	stream := c.keeps(t, "revocations")
	lost := (stream + 1) % len(residents)
	renew := func(at *site, i int) {
		t.Helper()
		residents[i] = at.get("/api/demo/me", tokens{refresh: residents[i].refresh}).renewed(t)
	}
	without := func(dead int) {
		t.Helper()
		c.Masters[dead].Kill()
		for _, at := range c.each() {
			for i, with := range residents {
				at.get("/api/demo/me", with).want(t, 200)
				if i != dead {
					renew(at, i)
				}
			}
			for _, request := range tabRequests[:3] {
				at.sent(request[0], request[1], tokens{refresh: residents[dead].refresh}).unasked(t)
			}
		}
	}
	comesBack := func(dead int) {
		t.Helper()
		c.Masters[dead].Start()
		for _, at := range c.each() {
			at.eventually("the master to take part again", func() bool {
				a := at.get("/api/demo/me", tokens{refresh: residents[dead].refresh})
				if a.StatusCode != 200 {
					a.unasked(t)
					return false
				}
				residents[dead] = a.renewed(t)
				return true
			})
			at.eventually("readiness", func() bool { return at.browser().ready().StatusCode == 200 })
		}
	}

	without(lost)
	leaves := c.a.signedIn(c.emails[stream])
	c.a.post("/api/auth/logout", leaves).want(t, 204) // the stream is there
	c.b.eventually("the sign-out", func() bool { return c.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401 })
	comesBack(lost)

	// Without the stream nobody can be signed out elsewhere, and that is said.
	without(stream)
	leaves = residents[lost]
	a := c.a.post("/api/auth/logout", leaves).want(t, 503, "session_store_unavailable")
	if cookies := a.setCookies(); len(cookies) != 2 || cookies["access_token"] || cookies["refresh_token"] {
		t.Errorf("signing out takes this browser's cookies all the same: %v", cookies)
	}
	for _, at := range c.each() {
		at.eventually("the outage to be said", func() bool { return at.browser().ready().StatusCode == 503 })
	}
	comesBack(stream)
	c.b.eventually("the sign-out to be carried out", func() bool {
		return c.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401
	})
	c.b.post("/api/auth/refresh", leaves).keptOut(t, "session_revoked")
}
