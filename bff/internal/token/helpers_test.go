package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

const (
	issuerURL     = "https://app.example.com"
	accessSecret  = "access-secret-of-these-tests-0123456789"
	refreshSecret = "refresh-secret-of-these-tests-987654321"
)

// start is the clock of these tests.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func someAccess() token.Access {
	return token.Access{
		UserID: "42", SessionID: "S3SS10N", Generation: 7, Role: "admin", Email: "jane@example.com",
		IssuedAt: start, ExpiresAt: start.Add(15 * time.Minute),
	}
}

func someRefresh() token.Refresh {
	return token.Refresh{
		UserID: "42", SessionID: "S3SS10N", Generation: 7, Remember: true,
		AbsoluteEnd: start.Add(90 * 24 * time.Hour), IssuedAt: start, ExpiresAt: start.Add(30 * 24 * time.Hour),
	}
}

func someIdentity() token.Identity {
	return token.Identity{UserID: "42", SessionID: "S3SS10N", Email: "jane@example.com", Role: "user"}
}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func goodConfig(t testing.TB) token.Config {
	t.Helper()
	return token.Config{
		Issuer: issuerURL, AccessKeys: [][]byte{[]byte(accessSecret)}, RefreshKeys: [][]byte{[]byte(refreshSecret)},
		IdentityKeys: []*ecdsa.PrivateKey{newKey(t, elliptic.P256())},
	}
}

// newIssuer makes an Issuer; changes are applied to a good configuration.
func newIssuer(t testing.TB, changes ...func(*token.Config)) *token.Issuer {
	t.Helper()
	c := goodConfig(t)
	for _, change := range changes {
		change(&c)
	}
	i, err := token.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// must is for calls that have nothing to say about the test at hand.
func must(t testing.TB) func(string, error) string {
	return func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// object is a JSON object that a forger writes.
type object map[string]any

// with copies o and changes it; a nil value removes the member.
func (o object) with(changes object) object {
	out := object{}
	for _, m := range []object{o, changes} {
		for k, v := range m {
			if out[k] = v; v == nil {
				delete(out, k)
			}
		}
	}
	return out
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// signHS256 makes a JWS by hand, so that the library under test is not asked
// to forge against itself.
func signHS256(t testing.TB, secret string, header, claims object) string {
	t.Helper()
	return signInput(secret, encode(t, header)+"."+encode(t, claims))
}

// signRaw is signHS256 for what may be no JSON at all.
func signRaw(secret, header, claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	return signInput(secret, b64([]byte(header))+"."+b64([]byte(claims)))
}

func signInput(secret, input string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// decodeToken gives header and claims as they are on the wire.
func decodeToken(t testing.TB, raw string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts: %q", len(parts), raw)
	}
	for n, into := range []*map[string]any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// Headers and claims that are good; a forger starts from these.
var (
	accessHeader  = object{"alg": "HS256", "typ": "at+jwt"}
	refreshHeader = object{"alg": "HS256", "typ": "rt+jwt"}
	accessClaims  = object{
		"iss": issuerURL, "sub": "42", "sid": "S3SS10N", "gen": 7, "role": "admin", "email": "jane@example.com",
		"iat": start.Unix(), "exp": start.Add(15 * time.Minute).Unix(),
	}
	refreshClaims = object{
		"iss": issuerURL, "sub": "42", "sid": "S3SS10N", "gen": 7, "jti": "S3SS10N.7.tjyi68.r",
		"iat": start.Unix(), "exp": start.Add(time.Hour).Unix(),
	}
)

// mintIdentity is MintBearer without its scheme.
func mintIdentity(i *token.Issuer, who token.Identity, audience string, now time.Time) (string, error) {
	bearer, err := i.MintBearer(who, audience, now)
	raw, ok := strings.CutPrefix(bearer, "Bearer ")
	if err == nil && !ok {
		err = fmt.Errorf("no bearer token: %q", bearer)
	}
	return raw, err
}
