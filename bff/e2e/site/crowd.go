package site

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Commuter is a signed-in client that reads, writes and refreshes its session
// without a pause. None of its requests may fail.
type Commuter struct {
	base, look       string // what is read between writing
	Client           *http.Client
	rounds, renewals atomic.Int64
}

func NewCommuter(t *testing.T, base, email, look string, transport http.RoundTripper) *Commuter {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Commuter{base: base, look: look, Client: &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: transport}}
	for _, path := range []string{"/api/auth/register", "/api/auth/login"} {
		if _, err := c.Send("POST", path, Credentials(email)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Send returns the body of a successful response.
func (c *Commuter) Send(method, path string, body any) (string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(ForwardedFor()[0], ForwardedFor()[1])
	if body == nil {
		r.Body, r.ContentLength = nil, 0
	}
	a, err := Read(c.Client.Do(r))
	if err != nil {
		return "", err
	}
	if _, cleared := a.NewTokens(); cleared || a.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %d %s %v", method, path, a.StatusCode, a.Text, a.SetCookies())
	}
	return a.Text, nil
}

// work runs until ctx ends. Refreshes are few: 60 a minute are allowed.
func (c *Commuter) work(ctx context.Context) error {
	renewed := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		said := fmt.Sprint("note ", n)
		heard, err := c.Send("POST", "/api/up/echo", said)
		if err != nil {
			return err
		}
		if heard != fmt.Sprintf("%q", said) {
			return fmt.Errorf("said %q, heard %s", said, heard)
		}
		if _, err := c.Send("GET", c.look, nil); err != nil {
			return err
		}
		if time.Since(renewed) > 1500*time.Millisecond {
			renewed = time.Now()
			if _, err := c.Send("POST", "/api/auth/refresh", nil); err != nil {
				return err
			}
			c.renewals.Add(1)
		}
		c.rounds.Add(1)
	}
	_, err := c.Send("GET", "/api/auth/me", nil)
	return err
}

// Crowd is commuters that work at one address.
type Crowd struct {
	t         *testing.T
	commuters []*Commuter
	End       func() // reports what failed; at the end of the test at the latest
}

// NewCrowd starts size commuters; transport may be nil.
func NewCrowd(t *testing.T, base string, transport http.RoundTripper, size int, look string) *Crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	crowd := &Crowd{t: t}
	// All sign up before the first one works: under load a password takes seconds.
	for n := range size {
		crowd.commuters = append(crowd.commuters, NewCommuter(t, base, fmt.Sprintf("commuter%d@example.com", n), look, transport))
	}
	for n, c := range crowd.commuters {
		all.Go(func() {
			if err := c.work(ctx); err != nil {
				t.Errorf("commuter %d: %v", n, err)
			}
		})
	}
	crowd.End = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		var rounds, renewals int64
		for _, c := range crowd.commuters {
			rounds, renewals = rounds+c.rounds.Load(), renewals+c.renewals.Load()
		}
		t.Logf("%d rounds of work, %d renewals", rounds, renewals)
	})
	t.Cleanup(crowd.End)
	return crowd
}

// NewCrowd starts commuters behind the balancer, which counts their requests.
func (b *Balancer) NewCrowd(t *testing.T, size int, look string) *Crowd {
	t.Helper()
	crowd := NewCrowd(t, b.URL, nil, size, look)
	gone := crowd.End
	crowd.End = sync.OnceFunc(func() {
		gone()
		t.Logf("requests by instance: %d, %d", b.Instances[0].Served.Load(), b.Instances[1].Served.Load())
		if n := b.failed.Load(); n > 0 {
			t.Errorf("%d requests failed, the last: %s", n, *b.fault.Load())
		}
	})
	t.Cleanup(crowd.End)
	return crowd
}

// AwaitProgress waits until each commuter has finished further rounds.
func (c *Crowd) AwaitProgress(when string) {
	c.t.Helper()
	c.more(when, func(c *Commuter) int64 { return c.rounds.Load() }, 3)
}

// AwaitRefreshes waits until each session was refreshed twice: the first refresh
// may have begun before the call.
func (c *Crowd) AwaitRefreshes() {
	c.t.Helper()
	c.more("to renew", func(c *Commuter) int64 { return c.renewals.Load() }, 2)
}

func (c *Crowd) more(when string, count func(*Commuter) int64, more int64) {
	c.t.Helper()
	var want []int64
	for _, who := range c.commuters {
		want = append(want, count(who)+more)
	}
	for n, who := range c.commuters {
		for deadline := time.Now().Add(time.Minute); count(who) < want[n]; <-time.After(5 * time.Millisecond) {
			if c.t.Failed() || time.Now().After(deadline) {
				c.t.Fatalf("%s: commuter %d does not get on", when, n)
			}
		}
	}
}

// KeepBusy has members send proxied requests to an instance until the returned
// function is called, which gives how many were served. All of them must succeed.
func (s *Harness) KeepBusy(members []Tokens) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var served atomic.Int64
	for _, with := range members {
		all.Go(func() {
			for ctx.Err() == nil {
				switch a, err := s.Send("GET", "/api/demo/me", with); {
				case err != nil:
					s.T.Errorf("a bystander: %v", err)
					return
				case a.StatusCode != 200 || len(a.Cookies()) != 0:
					s.T.Errorf("a bystander was told %d %s, cookies %v", a.StatusCode, a.Text, a.SetCookies())
					return
				}
				served.Add(1)
			}
		})
	}
	return func() int { cancel(); all.Wait(); return int(served.Load()) }
}
