package demoapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuer = "https://gate.example"

// issuerServer publishes keys as the gatehouse does, and counts the fetches.
type issuerServer struct {
	*httptest.Server
	mu    sync.Mutex
	keys  map[string]*ecdsa.PrivateKey
	down  bool
	asked int
}

func newIssuer(t *testing.T) *issuerServer {
	s := &issuerServer{keys: map[string]*ecdsa.PrivateKey{}}
	s.add(t, "k1")
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *issuerServer) add(t *testing.T, kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[kid] = key
}

func (s *issuerServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var list []map[string]string
	for kid, key := range s.keys {
		point, _ := key.PublicKey.Bytes()
		list = append(list, map[string]string{
			"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256",
			"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
		})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": list})
}

func (s *issuerServer) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *issuerServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

type fakeClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// bench is an API with an issuer and a clock.
type bench struct {
	api    *API
	issuer *issuerServer
	clock  *fakeClock
}

func newBench(t *testing.T) *bench {
	b := &bench{issuer: newIssuer(t), clock: &fakeClock{t: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}}
	api, err := New(Options{JWKSURL: b.issuer.URL, Issuer: issuer, Audience: "demo", Now: b.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	b.api = api
	return b
}

type edit func(*jwt.Token, jwt.MapClaims)

// token signs with ES256 and the key kid unless edit changes the method.
func (b *bench) token(t *testing.T, kid string, edits ...edit) string {
	t.Helper()
	c := jwt.MapClaims{
		"iss": issuer, "aud": "demo", "sub": "7", "sid": "s7", "email": "ann@example.org", "role": "user",
		"iat": b.clock.now().Unix(), "exp": b.clock.now().Add(2 * time.Minute).Unix(),
	}
	tok := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	tok.Header["kid"] = kid
	for _, e := range edits {
		e(tok, c)
	}
	b.issuer.mu.Lock()
	private := b.issuer.keys[kid]
	if private == nil {
		private = b.issuer.keys["k1"]
	}
	b.issuer.mu.Unlock()
	var key any = private
	switch tok.Method {
	case jwt.SigningMethodNone:
		key = jwt.UnsafeAllowNoneSignatureType
	case jwt.SigningMethodHS256:
		key, _ = x509.MarshalPKIXPublicKey(&private.PublicKey)
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bench) do(method, path, token, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	return w
}

func claim(name string, v any) edit { return func(_ *jwt.Token, c jwt.MapClaims) { c[name] = v } }
func without(name string) edit      { return func(_ *jwt.Token, c jwt.MapClaims) { delete(c, name) } }
func header(name string, v any) edit {
	return func(t *jwt.Token, _ jwt.MapClaims) { t.Header[name] = v }
}
func method(m jwt.SigningMethod) edit {
	return func(t *jwt.Token, _ jwt.MapClaims) { t.Method, t.Header["alg"] = m, m.Alg() }
}

func TestTokens(t *testing.T) {
	b := newBench(t)
	now := b.clock.now()
	good := b.token(t, "k1")
	for _, tt := range []struct {
		name, authorization string
		status              int
	}{
		{"good", "Bearer " + good, 200},
		{"scheme in lower case", "bearer " + good, 200},
		{"one second left", "Bearer " + b.token(t, "k1", claim("exp", now.Unix()+1)), 200},
		{"audience list", "Bearer " + b.token(t, "k1", claim("aud", []string{"x", "demo"})), 200},
		{"missing", "", 401},
		{"empty", "Bearer ", 401},
		{"junk", "Bearer junk", 401},
		{"basic", "Basic " + good, 401},
		{"no scheme", good, 401},
		{"expired", "Bearer " + b.token(t, "k1", claim("exp", now.Unix()-1)), 401},
		{"expires now", "Bearer " + b.token(t, "k1", claim("exp", now.Unix())), 401},
		{"without exp", "Bearer " + b.token(t, "k1", without("exp")), 401},
		{"not yet", "Bearer " + b.token(t, "k1", claim("nbf", now.Unix()+60)), 401},
		{"wrong audience", "Bearer " + b.token(t, "k1", claim("aud", "orders")), 401},
		{"without audience", "Bearer " + b.token(t, "k1", without("aud")), 401},
		{"wrong issuer", "Bearer " + b.token(t, "k1", claim("iss", "https://evil.example")), 401},
		{"without issuer", "Bearer " + b.token(t, "k1", without("iss")), 401},
		{"without subject", "Bearer " + b.token(t, "k1", without("sub")), 401},
		{"an access token's typ", "Bearer " + b.token(t, "k1", header("typ", "at+jwt")), 401},
		{"crit", "Bearer " + b.token(t, "k1", header("crit", []string{"x"})), 401},
		{"unknown kid", "Bearer " + b.token(t, "k9"), 401},
		{"kid is a number", "Bearer " + b.token(t, "k1", header("kid", 1)), 401},
		{"without kid", "Bearer " + b.token(t, "k1", func(t *jwt.Token, _ jwt.MapClaims) { delete(t.Header, "kid") }), 401},
		{"alg none", "Bearer " + b.token(t, "k1", method(jwt.SigningMethodNone)), 401},
		{"HS256 with the public key", "Bearer " + b.token(t, "k1", method(jwt.SigningMethodHS256)), 401},
		{"altered", "Bearer " + alter(good), 401},
		{"cut", "Bearer " + good[:len(good)-2], 401},
	} {
		w := b.do("GET", "/me", "", "", "Authorization", tt.authorization)
		if tt.authorization == "" {
			w = b.do("GET", "/me", "", "")
		}
		if w.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
		if tt.status == 401 && (w.Header().Get("Content-Type") != "application/problem+json" || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer")) {
			t.Errorf("%s: %v", tt.name, w.Header())
		}
	}
	r := httptest.NewRequest("GET", "/me", nil)
	r.Header["Authorization"] = []string{"Bearer " + good, "Bearer " + good}
	w := httptest.NewRecorder()
	if b.api.ServeHTTP(w, r); w.Code != 401 {
		t.Errorf("two tokens: %d", w.Code)
	}
}

// alter changes the last character of the signature, whose low bits a lenient
// base64 decoder ignores.
func alter(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[i^1])
}

func TestKeysAreFetchedWhenNeeded(t *testing.T) {
	b := newBench(t)
	b.issuer.set(true)
	if w := b.do("GET", "/me", b.token(t, "k1"), ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("without keys: %d", w.Code)
	}
	if w := b.do("GET", "/me", "", ""); w.Code != 401 {
		t.Errorf("without keys and token: %d", w.Code)
	}
	b.do("GET", "/me", b.token(t, "k1"), "")
	if n := b.issuer.count(); n != 1 {
		t.Errorf("asked %d times within a second", n)
	}
	b.issuer.set(false)
	b.clock.advance(keysRetry)
	if w := b.do("GET", "/me", b.token(t, "k1"), ""); w.Code != 200 {
		t.Errorf("with keys: %d %s", w.Code, w.Body)
	}

	// Rotation: the new key is there at once, made-up ones cost nothing.
	b.issuer.add(t, "k2")
	b.clock.advance(keysMinAge)
	asked := b.issuer.count()
	if w := b.do("GET", "/me", b.token(t, "k2"), ""); w.Code != 200 {
		t.Errorf("after rotation: %d", w.Code)
	}
	for i := range 50 {
		if w := b.do("GET", "/me", b.token(t, fmt.Sprint("made-up", i)), ""); w.Code != 401 {
			t.Errorf("made-up key id: %d", w.Code)
		}
	}
	if n := b.issuer.count() - asked; n != 1 {
		t.Errorf("asked %d times for one new key", n)
	}

	// A withdrawn key is good for an hour at most; an issuer that is away is no reason to refuse.
	old := func() string { return b.token(t, "k1") }
	withdrawn := old()
	b.issuer.mu.Lock()
	k1 := b.issuer.keys["k1"]
	delete(b.issuer.keys, "k1")
	b.issuer.mu.Unlock()
	if w := b.do("GET", "/me", withdrawn, ""); w.Code != 200 {
		t.Errorf("cached key: %d", w.Code)
	}
	b.issuer.set(true)
	b.clock.advance(keysMaxAge)
	if w := b.do("GET", "/me", b.token(t, "k2"), ""); w.Code != 200 {
		t.Errorf("issuer away: %d", w.Code)
	}
	b.issuer.set(false)
	b.clock.advance(keysMinAge)
	b.issuer.mu.Lock()
	b.issuer.keys["k1"] = k1
	b.issuer.mu.Unlock()
	withdrawn = old()
	b.issuer.mu.Lock()
	delete(b.issuer.keys, "k1")
	b.issuer.mu.Unlock()
	if w := b.do("GET", "/me", withdrawn, ""); w.Code != 401 {
		t.Errorf("withdrawn key: %d", w.Code)
	}
}

func TestFirstBurstFetchesOnce(t *testing.T) {
	b := newBench(t)
	token := b.token(t, "k1")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if w := b.do("GET", "/me", token, ""); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	group.Wait()
	if n := b.issuer.count(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
