package outage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// onCluster is two instances on a Redis Cluster of three masters.
type onCluster struct {
	site.Pair
	*servertest.ClusterHandle
	look []*redis.Client // at each master
	// emails are of members whose sessions each master keeps.
	emails []string
}

func startOnCluster(t *testing.T) *onCluster {
	t.Helper()
	c := &onCluster{ClusterHandle: servertest.Cluster(t, 3)}
	for _, m := range c.Masters {
		c.look = append(c.look, site.RedisClient(t, m.URL))
	}
	s := site.OnServices(t).TrustLoopback()
	s.Env["REDIS_URL"] = c.URL
	c.A = s.Start()
	c.B = c.A.Twin()
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
func (c *onCluster) residents(t *testing.T) []site.Tokens {
	t.Helper()
	all := make([]site.Tokens, len(c.Masters))
	c.emails = make([]string, len(all))
	for n, found := 0, 0; found < len(all); n++ {
		email := fmt.Sprintf("member%d@example.com", n)
		with := c.A.MemberTokens(email)
		if at := c.keeps(t, "sessions:{"+with.Claims(t).User+"}"); all[at] == (site.Tokens{}) {
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
		c.A.Clock.Advance(16 * time.Minute)
		with = c.A.Get("/api/demo/me", parent).Refreshed(t)
		if again := c.B.Post("/api/auth/refresh", parent).Refreshed(t); again != with {
			t.Error("two children")
		}
		c.Acknowledge(t, with, parent)
		ctx, cancel := context.WithCancel(t.Context())
		open := []site.Live{c.A.OpenLive(ctx, with), c.B.OpenLive(ctx, with)}
		if i%2 == 0 {
			c.B.Post("/api/auth/logout", with).Want(t, 204)
		} else {
			c.A.Clock.Advance(time.Minute)
			c.B.Post("/api/auth/refresh", parent).WantSignedOut(t, "refresh_reuse")
		}
		for _, l := range open {
			l.WantClosed(t)
		}
		cancel()
		for _, at := range c.Each() {
			at.Get("/api/demo/me", site.Tokens{Access: with.Access}).WantSignedOut(t, "session_revoked")
			at.Post("/api/auth/refresh", with).WantSignedOut(t, "session_revoked")
		}
	}
	for i, look := range c.look {
		left, err := look.Keys(t.Context(), "refresh:*").Result()
		for _, key := range left {
			if slices.ContainsFunc(residents, func(k site.Tokens) bool { return strings.HasSuffix(key, k.Claims(t).Session) }) {
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
	renew := func(at *site.Harness, i int) {
		t.Helper()
		residents[i] = at.Get("/api/demo/me", site.Tokens{Refresh: residents[i].Refresh}).Refreshed(t)
	}
	without := func(dead int) {
		t.Helper()
		c.Masters[dead].Kill()
		for _, at := range c.Each() {
			for i, with := range residents {
				at.Get("/api/demo/me", with).Want(t, 200)
				if i != dead {
					renew(at, i)
				}
			}
			for _, request := range site.RefreshingRequests[:3] {
				at.MustSend(request[0], request[1], site.Tokens{Refresh: residents[dead].Refresh}).WantStoreUnavailable(t)
			}
		}
	}
	comesBack := func(dead int) {
		t.Helper()
		c.Masters[dead].Start()
		for _, at := range c.Each() {
			at.Eventually("the master to take part again", func() bool {
				a := at.Get("/api/demo/me", site.Tokens{Refresh: residents[dead].Refresh})
				if a.StatusCode != 200 {
					a.WantStoreUnavailable(t)
					return false
				}
				residents[dead] = a.Refreshed(t)
				return true
			})
			at.Eventually("readiness", func() bool { return at.Browser().Readyz().StatusCode == 200 })
		}
	}

	without(lost)
	leaves := c.A.SignInTokens(c.emails[stream])
	c.A.Post("/api/auth/logout", leaves).Want(t, 204) // the stream is there
	c.B.Eventually("the sign-out", func() bool { return c.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401 })
	comesBack(lost)

	// Without the stream nobody can be signed out elsewhere, and that is said.
	without(stream)
	leaves = residents[lost]
	a := c.A.Post("/api/auth/logout", leaves).Want(t, 503, "session_store_unavailable")
	if cookies := a.SetCookies(); len(cookies) != 2 || cookies["access_token"] || cookies["refresh_token"] {
		t.Errorf("signing out takes this browser's cookies all the same: %v", cookies)
	}
	for _, at := range c.Each() {
		at.Eventually("the outage to be said", func() bool { return at.Browser().Readyz().StatusCode == 503 })
	}
	comesBack(stream)
	c.B.Eventually("the sign-out to be carried out", func() bool {
		return c.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401
	})
	c.B.Post("/api/auth/refresh", leaves).WantSignedOut(t, "session_revoked")
}
