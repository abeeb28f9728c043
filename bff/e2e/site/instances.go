package site

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What tabs ask for; each of these renews a stale session on the way.
var RefreshingRequests = [][2]string{
	{"GET", "/api/auth/me"}, {"GET", "/api/demo/me"}, {"POST", "/api/auth/refresh"}, {"GET", "/dashboard"},
}

// Twin starts a second instance of the same product: the same stores, secrets,
// routes and clock, another port.
func (s *Harness) Twin(extra ...string) *Harness {
	s.T.Helper()
	other := &Harness{T: s.T, Clock: s.Clock, Limited: s.Limited, SkipSchemaWait: s.SkipSchemaWait, isTwin: true, Env: maps.Clone(s.Env)}
	other.Env["LISTEN_ADDR"] = ""
	other.Start(extra...)
	// A connection on which nothing was ever asked holds up a drain for five
	// seconds, and Go's client keeps such ones in store.
	s.T.Cleanup(Client.CloseIdleConnections)
	return other
}

// TrustLoopback lets any number of clients run on this one machine: rate limits go
// by the address that a trusted proxy names, see ForwardedFor.
func (s *Harness) TrustLoopback() *Harness {
	s.Env["TRUSTED_PROXIES"] = "127.0.0.0/8"
	return s
}

// Pair is two instances on one Redis and one MariaDB.
type Pair struct{ A, B *Harness }

func TwoInstances(t *testing.T) Pair {
	t.Helper()
	a := OnServices(t).TrustLoopback().Start()
	return Pair{a, a.Twin()}
}

func (p Pair) Each() []*Harness { return []*Harness{p.A, p.B} }

func (p Pair) Either(r *rand.Rand) *Harness { return p.Each()[r.IntN(2)] }

// Tokens is what a browser's jar holds of a session: what its requests carry,
// in all its tabs alike.
type Tokens struct{ Access, Refresh string }

func (k Tokens) CookieHeader() string {
	var all []string
	if k.Access != "" {
		all = append(all, "access_token="+k.Access)
	}
	if k.Refresh != "" {
		all = append(all, "refresh_token="+k.Refresh)
	}
	return strings.Join(all, "; ")
}

func (k Tokens) Generation(t *testing.T) int { t.Helper(); return k.Claims(t).Generation }

type Claims struct {
	User       string `json:"sub"`
	Session    string `json:"sid"`
	Generation int    `json:"gen"`
}

// Claims reads the refresh token without verifying it.
func (k Tokens) Claims(t *testing.T) (c Claims) {
	t.Helper()
	parts := strings.Split(k.Refresh, ".")
	if len(parts) != 3 {
		t.Fatalf("no refresh token: %q", k.Refresh)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil || c.User == "" || c.Session == "" || c.Generation == 0 {
		t.Fatalf("the claims %q: %v", text, err)
	}
	return c
}

// Client is the client of every request below: no jar, because tests say what is
// carried, and connections enough.
var Client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Send sends a request without a body. It may be called from any goroutine.
func (s *Harness) Send(method, path string, with Tokens) (Answer, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, s.Base+path, nil)
	if err != nil {
		return Answer{}, err
	}
	if cookies := with.CookieHeader(); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	return Read(Client.Do(r))
}

// PostJSON posts JSON from a random address. It may be called from any goroutine.
func (s *Harness) PostJSON(path string, body Object) (Answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return Answer{}, err
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.Base+path, bytes.NewReader(text))
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(ForwardedFor()[0], ForwardedFor()[1])
	return Read(Client.Do(r))
}

func Read(resp *http.Response, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return Answer{resp, string(text)}, err
}

// Get is ask for the test's own goroutine.
func (s *Harness) Get(path string, with Tokens) Answer {
	s.T.Helper()
	return s.MustSend("GET", path, with)
}

func (s *Harness) Post(path string, with Tokens) Answer {
	s.T.Helper()
	return s.MustSend("POST", path, with)
}

func (s *Harness) MustSend(method, path string, with Tokens) Answer {
	s.T.Helper()
	a, err := s.Send(method, path, with)
	if err != nil {
		s.T.Fatal(err)
	}
	return a
}

// NewTokens returns the tokens that the response sets, and whether it clears any.
func (a Answer) NewTokens() (with Tokens, cleared bool) {
	for _, c := range a.Cookies() {
		switch {
		case c.MaxAge < 0:
			cleared = true
		case c.Name == "access_token":
			with.Access = c.Value
		case c.Name == "refresh_token":
			with.Refresh = c.Value
		}
	}
	return with, cleared
}

// Refreshed returns the new tokens of a response that must have them.
func (a Answer) Refreshed(t *testing.T) Tokens {
	t.Helper()
	with, cleared := a.Want(t, 200).NewTokens()
	if cleared || with.Access == "" || with.Refresh == "" {
		t.Fatalf("%s brought %v", a.Request.URL.Path, a.SetCookies())
	}
	return with
}

// WantSignedOut checks the response to an ended session: 401 and cookies cleared.
func (a Answer) WantSignedOut(t *testing.T, code string) {
	t.Helper()
	a.Want(t, 401, code)
	if c := a.SetCookies(); len(c) != 2 || c["access_token"] || c["refresh_token"] {
		t.Fatalf("%s: cookies %v, want both cleared", a.Request.URL.Path, c)
	}
}

// WantStoreUnavailable checks the response while the session store is unreachable:
// 503 with Retry-After, and the browser keeps its cookies.
func (a Answer) WantStoreUnavailable(t *testing.T) {
	t.Helper()
	a.Want(t, 503, "session_store_unavailable")
	if c := a.Header.Values("Set-Cookie"); len(c) != 0 || a.Header.Get("Retry-After") == "" {
		t.Fatalf("%s: Set-Cookie %q, Retry-After %q", a.Request.URL.Path, c, a.Header.Get("Retry-After"))
	}
}

// SignInTokens signs a registered user in and returns the tokens.
func (s *Harness) SignInTokens(email string) Tokens {
	s.T.Helper()
	b := s.Browser()
	b.Do("POST", "/api/auth/login", Credentials(email), ForwardedFor()...).Want(s.T, 200)
	return Tokens{b.Cookie("access_token"), b.Cookie("refresh_token")}
}

// MemberTokens registers, signs in, and returns the tokens.
func (s *Harness) MemberTokens(email string) Tokens {
	s.T.Helper()
	s.Browser().Do("POST", "/api/auth/register", Credentials(email), ForwardedFor()...).Want(s.T, 201)
	return s.SignInTokens(email)
}

// ForwardedFor is the header of a trusted proxy with a random client address.
func ForwardedFor() []string {
	return []string{"X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), 1+rand.IntN(254))}
}

// RedisClient connects a test to a Redis that the product uses.
func RedisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// RedisCommands counts the calls of each command so far, those of scripts included.
func RedisCommands(t *testing.T, c *redis.Client) map[string]int {
	t.Helper()
	text, err := c.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for line := range strings.Lines(text) {
		var n int
		name, rest, found := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if !found {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d,", &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		calls[name] = n
	}
	return calls
}

// CommandsSince subtracts the counts of before from those of after.
func CommandsSince(before, after map[string]int) map[string]int {
	more := map[string]int{}
	for name, n := range after {
		if n -= before[name]; n != 0 {
			more[name] = n
		}
	}
	return more
}

// Acknowledge uses the child at one instance and waits until the other one knows the
// acknowledgement: from then on a parent gets no cookies at either instance.
func (p Pair) Acknowledge(t *testing.T, child, parent Tokens) {
	t.Helper()
	p.A.Get("/api/auth/me", child).Want(t, 200)
	p.B.Eventually("the receipt to be known", func() bool {
		late, _ := p.B.Post("/api/auth/refresh", parent).Want(t, 200).NewTokens()
		if late != (Tokens{}) && late != child {
			t.Fatal("another child")
		}
		return late == Tokens{}
	})
}
