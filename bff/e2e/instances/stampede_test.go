package instances

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// stampede is many requests with one stale token, in flight.
type stampede struct {
	all     sync.WaitGroup
	mu      sync.Mutex
	answers []site.Answer
	errs    []error
}

func (c *stampede) send(n int, with site.Tokens, at ...*site.Harness) {
	for i := range n {
		c.all.Go(func() {
			a, err := at[i%len(at)].Send("GET", "/api/auth/me", with)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.answers, c.errs = append(c.answers, a), append(c.errs, err)
		})
	}
}

// oneChild waits for all responses, which must have the same child of parent.
func (c *stampede) oneChild(t *testing.T, parent site.Tokens) {
	t.Helper()
	var child site.Tokens
	c.all.Wait()
	for i, a := range c.answers {
		if c.errs[i] != nil {
			t.Fatal(c.errs[i])
		}
		got := a.Refreshed(t)
		if i == 0 {
			child = got
		}
		if got != child {
			t.Fatal("two children of one token")
		}
	}
	if was, is := parent.Generation(t), child.Generation(t); is != was+1 {
		t.Errorf("generation %d after %d", is, was)
	}
}

// rotations counts rotations: each one, and nothing else in these tests, adds to
// the index of a user's sessions.
func rotations(calls map[string]int) int { return calls["zadd"] }

// A hundred requests at once with one stale token make one rotation.
func TestStampedeMakesOneRotation(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	p.A.MemberTokens("ada@example.com")
	for name, at := range map[string][]*site.Harness{"one instance": {p.A}, "two instances": p.Each()} {
		t.Run(name, func(t *testing.T) {
			parent := p.A.SignInTokens("ada@example.com")
			p.A.Clock.Advance(16 * time.Minute)
			before := site.RedisCommands(t, look)
			var c stampede
			c.send(100, parent, at...)
			c.oneChild(t, parent)
			if calls := site.CommandsSince(before, site.RedisCommands(t, look)); rotations(calls) != 1 {
				t.Errorf("%d rotations: %v", rotations(calls), calls)
			} else {
				t.Logf("100 requests: %v", calls)
			}
		})
	}
}

// holdWrites has Redis answer reads and hold all writes back until the returned
// function is called.
func holdWrites(t *testing.T, look *redis.Client) (release func()) {
	t.Helper()
	pause := func(args ...any) {
		t.Helper()
		if err := look.Do(context.WithoutCancel(t.Context()), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	pause("CLIENT", "PAUSE", 60_000, "WRITE")
	release = sync.OnceFunc(func() { pause("CLIENT", "UNPAUSE") })
	t.Cleanup(release)
	return release
}

// inTime runs an attempt until the machine was quick enough for it: what is
// withheld for two seconds is given up, rightly.
func inTime(t *testing.T, attempt func() *stampede) {
	t.Helper()
	for range 8 {
		c := attempt()
		c.all.Wait()
		if !slices.ContainsFunc(c.answers, func(a site.Answer) bool { return a.Response != nil && a.StatusCode == 503 }) {
			return
		}
		t.Log("too slow; once more")
	}
	t.Fatal("renewals are given up")
}

// Two instances have read the same record and both write the next one: the second
// one returns the tokens of the first.
func TestTwoInstancesSwapAtOnce(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	p.A.MemberTokens("ada@example.com")
	var parent site.Tokens
	var c *stampede
	var before map[string]int
	inTime(t, func() *stampede {
		parent, c = p.A.SignInTokens("ada@example.com"), &stampede{}
		p.A.Clock.Advance(16 * time.Minute)
		before = site.RedisCommands(t, look)
		release := holdWrites(t, look)
		defer release()
		for i, at := range p.Each() {
			p.A.Clock.Advance(time.Second) // what each of them would mint differs
			c.send(10, parent, at)
			at.Eventually("the record to be read", func() bool { return site.CommandsSince(before, site.RedisCommands(t, look))["get"] > i })
		}
		return c
	})
	c.oneChild(t, parent)
	if calls := site.CommandsSince(before, site.RedisCommands(t, look)); rotations(calls) != 1 || calls["evalsha"] < 2 {
		t.Errorf("%d rotations: %v", rotations(calls), calls)
	}
}

// The first of several tabs to ask hangs up while its rotation is being
// written. The others wait for the same one, and get its answer.
func TestHangUpOfOneTabFailsNoOtherTab(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	p.A.MemberTokens("ada@example.com")
	var parent site.Tokens
	var c *stampede
	var before map[string]int
	inTime(t, func() *stampede {
		parent, c = p.A.SignInTokens("ada@example.com"), &stampede{}
		p.A.Clock.Advance(16 * time.Minute)
		before = site.RedisCommands(t, look)
		release := holdWrites(t, look)
		defer release()
		first, err := net.Dial("tcp", strings.TrimPrefix(p.A.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		id := rand.Text()
		fmt.Fprintf(first, "GET /api/auth/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\nCookie: %s\r\n\r\n", id, parent.CookieHeader())
		p.A.Eventually("the record to be read", func() bool { return site.CommandsSince(before, site.RedisCommands(t, look))["get"] > 0 })
		c.send(10, parent, p.A)
		for range 20 { // they have joined by then, or prove nothing
			p.A.Get("/healthz", site.Tokens{}).Want(t, 200)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		p.A.Eventually("the server to see that the first is gone", func() bool { return strings.Contains(p.A.Logs.String(), id) })
		return c
	})
	c.oneChild(t, parent)
	if calls := site.CommandsSince(before, site.RedisCommands(t, look)); rotations(calls) != 1 {
		t.Errorf("%d rotations: %v", rotations(calls), calls)
	}
}
