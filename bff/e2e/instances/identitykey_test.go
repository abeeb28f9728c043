package instances

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
)

// keyRotation is two instances in front of one API, which asks the first of
// them for keys, and an upstream that shows what it gets.
type keyRotation struct {
	t       *testing.T
	a, b    *site.Harness
	who     site.Tokens
	fetches *atomic.Int64 // of the API
	api     string
	taken   func() string
}

func newKeyRotation(t *testing.T, key string) *keyRotation {
	t.Helper()
	s := site.OnServices(t).TrustLoopback()
	s.Redis = nil // the API is ours
	r := &keyRotation{t: t, fetches: &atomic.Int64{}, api: site.FreeAddr(t)}
	show, taken := site.TokenUpstream(t)
	r.taken = taken
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t,
		"path: /api/demo\nupstreams: [http://"+r.api+"]\nstrip_prefix: /api/demo", "path: /api/show\nupstreams: ["+show+"]\naudience: demo").Name
	s.Env["IDENTITY_KEY"] = key
	r.a = s.Start()
	r.b = s.Twin("PUBLIC_URL", s.Env["PUBLIC_URL"])
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.fetches.Add(1)
		if _, err := io.WriteString(w, r.a.Get("/.well-known/jwks.json", site.Tokens{}).Text); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(keys.Close)
	s.Background("the API", func(ctx context.Context) error {
		return app.RunDemoAPI(ctx, app.DemoOptions{
			Listen: r.api, JWKSURL: keys.URL, Issuer: s.Env["PUBLIC_URL"], Audience: "demo", Log: slog.New(slog.DiscardHandler), Now: s.Clock.Now,
		})
	})
	s.Eventually("the API to answer", func() bool {
		resp, err := http.Get("http://" + r.api + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	r.who = s.MemberTokens("ada@example.com")
	return r
}

// restart gives an instance other keys, while the other one goes on.
func (r *keyRotation) restart(s *site.Harness, keys ...string) {
	r.t.Helper()
	other := r.a
	if s == r.a {
		other = r.b
	}
	s.Stop()
	r.member(other, 200)
	s.Env["IDENTITY_KEY"] = strings.Join(keys, "")
	s.Start()
}

func (r *keyRotation) member(s *site.Harness, status int) {
	r.t.Helper()
	s.Get("/api/demo/me", r.who).Want(r.t, status)
}

// signed gives the kid that an instance signs by, and the token.
func (r *keyRotation) signed(s *site.Harness) (kid, token string) {
	r.t.Helper()
	s.Get("/api/show", r.who).Want(r.t, 200)
	token = strings.TrimPrefix(r.taken(), "Bearer ")
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		r.t.Fatal(err)
	}
	return parsed.Header["kid"].(string), token
}

func (r *keyRotation) published(s *site.Harness) (kids []string) {
	r.t.Helper()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		}
	}
	if err := json.Unmarshal([]byte(s.Get("/.well-known/jwks.json", site.Tokens{}).Text), &set); err != nil {
		r.t.Fatal(err)
	}
	for _, k := range set.Keys {
		kids = append(kids, k.ID)
	}
	return kids
}

// direct asks the API with a token, past the product.
func (r *keyRotation) direct(token string) int {
	r.t.Helper()
	req, err := http.NewRequest("GET", "http://"+r.api+"/me", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	a, err := site.Read(http.DefaultClient.Do(req))
	if err != nil {
		r.t.Fatal(err)
	}
	return a.StatusCode
}

// What docs/backends.md tells operators to do: no request fails at any step.
func TestIdentityKeyIsReplacedWithoutARefusedRequest(t *testing.T) {
	_, older := site.NewIdentityKey(t)
	_, newer := site.NewIdentityKey(t)
	r := newKeyRotation(t, older)
	both := func() { t.Helper(); r.member(r.a, 200); r.member(r.b, 200) }
	both()
	oldKid, oldToken := r.signed(r.b)
	if n := r.fetches.Load(); n != 1 {
		t.Errorf("keys were fetched %d times", n)
	}

	// 1: published everywhere, signing nowhere.
	r.restart(r.a, older, newer)
	both()
	r.restart(r.b, older, newer)
	both()
	kids := r.published(r.a)
	if len(kids) != 2 || kids[0] != oldKid || !slices.Equal(kids, r.published(r.b)) {
		t.Fatalf("published: %v and %v, the old one is %s", kids, r.published(r.b), oldKid)
	}
	if n := r.fetches.Load(); n != 1 {
		t.Errorf("the keys in the API's cache are good, and it fetched %d times", n)
	}

	// 2: signing, one instance after the other. The API's cache is the old one.
	r.a.Clock.Advance(time.Minute) // tokens are handed out again for a minute
	r.restart(r.b, newer, older)
	both()
	newKid, newToken := r.signed(r.b)
	if kid, _ := r.signed(r.a); kid != oldKid || newKid != kids[1] {
		t.Errorf("signed by %s and %s, want the old one and %s", kid, newKid, kids[1])
	}
	if n := r.fetches.Load(); n != 2 {
		t.Errorf("keys were fetched %d times, want once more for the new kid", n)
	}
	if status := r.direct(oldToken); status != 200 {
		t.Errorf("a token signed before: %d", status)
	}
	r.restart(r.a, newer, older)
	both()

	// 3: gone, once no old token is good any more.
	r.a.Clock.Advance(2 * time.Minute)
	r.restart(r.a, newer)
	both()
	r.restart(r.b, newer)
	both()
	if kids := r.published(r.b); !slices.Equal(kids, []string{newKid}) {
		t.Errorf("published at the end: %v", kids)
	}
	for what, token := range map[string]string{"old": oldToken, "new": newToken} {
		if status := r.direct(token); status != 401 {
			t.Errorf("the %s key's expired token: %d", what, status)
		}
	}
	if n := r.fetches.Load(); n != 2 {
		t.Errorf("keys were fetched %d times", n)
	}
}

// Why the new key comes second first: an API that asks an instance which does
// not have it yet refuses what the other one signs.
func TestIdentityKeyThatSignsAtOnceIsRefused(t *testing.T) {
	_, older := site.NewIdentityKey(t)
	_, newer := site.NewIdentityKey(t)
	r := newKeyRotation(t, older)
	r.member(r.a, 200)
	r.a.Clock.Advance(time.Minute)
	r.restart(r.b, newer, older)
	r.member(r.a, 200)
	r.member(r.b, 401)
	r.a.Stop()
	r.member(r.b, 401)
	r.a.Env["IDENTITY_KEY"] = newer + older
	r.a.Start()
	r.a.Clock.Advance(10 * time.Second) // the API's pause between two fetches for unknown kids
	r.member(r.b, 200)
	r.member(r.a, 200)
}
