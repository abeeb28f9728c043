package e2e

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

// twin starts a second instance of the same product: the same stores, secrets,
// routes and clock, another port.
func (s *site) twin(extra ...string) *site {
	s.t.Helper()
	other := &site{t: s.t, clock: s.clock, limited: s.limited, undecided: s.undecided, isTwin: true, env: maps.Clone(s.env)}
	other.env["LISTEN_ADDR"] = ""
	other.start(extra...)
	// A connection on which nothing was ever asked holds up a drain for five
	// seconds, and Go's client keeps such ones in store.
	s.t.Cleanup(tabs.CloseIdleConnections)
	return other
}

// crowd lets any number of people come from this one machine: rate limits go
// by the address that a trusted proxy tells of, see somewhere.
func (s *site) crowd() *site {
	s.env["TRUSTED_PROXIES"] = "127.0.0.0/8"
	return s
}

// pair is two instances on one Redis and one MariaDB.
type pair struct{ a, b *site }

func twoInstances(t *testing.T) pair {
	t.Helper()
	a := onServices(t).crowd().start()
	return pair{a, a.twin()}
}

func (p pair) each() []*site { return []*site{p.a, p.b} }

func (p pair) either(r *rand.Rand) *site { return p.each()[r.IntN(2)] }

// tokens is what a browser's jar holds of a session: what its requests carry,
// in all its tabs alike.
type tokens struct{ access, refresh string }

func (k tokens) header() string {
	var all []string
	if k.access != "" {
		all = append(all, "access_token="+k.access)
	}
	if k.refresh != "" {
		all = append(all, "refresh_token="+k.refresh)
	}
	return strings.Join(all, "; ")
}

func (k tokens) generation(t *testing.T) int { t.Helper(); return k.claims(t).Generation }

type claims struct {
	User       string `json:"sub"`
	Session    string `json:"sid"`
	Generation int    `json:"gen"`
}

// claims are read from the refresh token; to verify it is the server's affair.
func (k tokens) claims(t *testing.T) (c claims) {
	t.Helper()
	parts := strings.Split(k.refresh, ".")
	if len(parts) != 3 {
		t.Fatalf("no refresh token: %q", k.refresh)
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

// tabs is the client of every request below: no jar, because tests say what is
// carried, and connections enough.
var tabs = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask sends a request without a body. It may be called from any goroutine.
func (s *site) ask(method, path string, with tokens) (answer, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, s.base+path, nil)
	if err != nil {
		return answer{}, err
	}
	if cookies := with.header(); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	return read(tabs.Do(r))
}

// tell posts JSON, from somewhere. It may be called from any goroutine.
func (s *site) tell(path string, body object) (answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.base+path, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(somewhere()[0], somewhere()[1])
	return read(tabs.Do(r))
}

func read(resp *http.Response, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp, string(text)}, err
}

// get is ask for the test's own goroutine.
func (s *site) get(path string, with tokens) answer { s.t.Helper(); return s.sent("GET", path, with) }

func (s *site) post(path string, with tokens) answer { s.t.Helper(); return s.sent("POST", path, with) }

func (s *site) sent(method, path string, with tokens) answer {
	s.t.Helper()
	a, err := s.ask(method, path, with)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// brings gives the tokens that an answer sets, and whether it clears any.
func (a answer) brings() (with tokens, cleared bool) {
	for _, c := range a.Cookies() {
		switch {
		case c.MaxAge < 0:
			cleared = true
		case c.Name == "access_token":
			with.access = c.Value
		case c.Name == "refresh_token":
			with.refresh = c.Value
		}
	}
	return with, cleared
}

// renewed is an answer that must bring tokens.
func (a answer) renewed(t *testing.T) tokens {
	t.Helper()
	with, cleared := a.want(t, 200).brings()
	if cleared || with.access == "" || with.refresh == "" {
		t.Fatalf("%s brought %v", a.Request.URL.Path, a.setCookies())
	}
	return with
}

// keptOut is an answer to a session that is over: 401 and cookies cleared.
func (a answer) keptOut(t *testing.T, code string) {
	t.Helper()
	a.want(t, 401, code)
	if c := a.setCookies(); len(c) != 2 || c["access_token"] || c["refresh_token"] {
		t.Fatalf("%s: cookies %v, want both cleared", a.Request.URL.Path, c)
	}
}

// unasked is an answer while the store cannot be asked: 503, when to try again,
// and the browser keeps what it has.
func (a answer) unasked(t *testing.T) {
	t.Helper()
	a.want(t, 503, "session_store_unavailable")
	if c := a.Header.Values("Set-Cookie"); len(c) != 0 || a.Header.Get("Retry-After") == "" {
		t.Fatalf("%s: Set-Cookie %q, Retry-After %q", a.Request.URL.Path, c, a.Header.Get("Retry-After"))
	}
}

// signedIn is a new session of somebody who is signed up.
func (s *site) signedIn(email string) tokens {
	s.t.Helper()
	b := s.browser()
	b.do("POST", "/api/auth/login", credentials(email), somewhere()...).want(s.t, 200)
	return tokens{b.cookie("access_token"), b.cookie("refresh_token")}
}

// somebody signs up and in.
func (s *site) somebody(email string) tokens {
	s.t.Helper()
	s.browser().do("POST", "/api/auth/register", credentials(email), somewhere()...).want(s.t, 201)
	return s.signedIn(email)
}

// somewhere is an address that nobody has been seen at.
func somewhere() []string {
	return []string{"X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), 1+rand.IntN(254))}
}

// admin is a look into a Redis beside the product.
func admin(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// commands is how often each command has been called, those of scripts too.
func commands(t *testing.T, c *redis.Client) map[string]int {
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

// since gives the commands of after that before had not.
func since(before, after map[string]int) map[string]int {
	more := map[string]int{}
	for name, n := range after {
		if n -= before[name]; n != 0 {
			more[name] = n
		}
	}
	return more
}
