package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// keySet reads a JWKS as an upstream does, by hand: kid → public key.
func keySet(t *testing.T, jwks []byte) (kids []string, keys map[string]*ecdsa.PublicKey) {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	keys = map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		number := func(member string) []byte {
			b, err := base64.RawURLEncoding.DecodeString(k[member])
			if err != nil || len(b) != 32 { // RFC 7518 §6.2.1.2: always the curve's full width
				t.Fatalf("%s is %q: %d bytes, %v", member, k[member], len(b), err)
			}
			return b
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, number("x"), number("y")))
		if err != nil {
			t.Fatal(err)
		}
		keys[k["kid"]] = key
		kids = append(kids, k["kid"])
	}
	return kids, keys
}

func verifyIdentity(t *testing.T, i *token.Issuer, raw, audience string, now time.Time) error {
	t.Helper()
	_, keys := keySet(t, i.JWKS())
	_, err := jwt.Parse(raw, func(tok *jwt.Token) (any, error) {
		kid, _ := tok.Header["kid"].(string)
		if key, ok := keys[kid]; ok {
			return key, nil
		}
		return nil, fmt.Errorf("no key %q", kid)
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuerURL), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(func() time.Time { return now }))
	return err
}

func TestUpstreamVerifiesTheIdentityWithThePublishedKeys(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	raw := must(t)(mintIdentity(i, someIdentity(), "orders", start))
	if err := verifyIdentity(t, i, raw, "orders", start); err != nil {
		t.Error(err)
	}
	if err := verifyIdentity(t, i, raw, "orders", start.Add(token.IdentityTTL)); err == nil {
		t.Error("it is still good at its end")
	}
	if err := verifyIdentity(t, i, raw, "billing", start); err == nil {
		t.Error("it is good for another upstream")
	}
	if err := verifyIdentity(t, newIssuer(t), raw, "orders", start); err == nil {
		t.Error("it is good with somebody else's keys")
	}
}

func TestIdentityHeadersAndClaimsAreExactlyThoseOfTheContract(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	kids, _ := keySet(t, i.JWKS())
	header, claims := decodeToken(t, must(t)(mintIdentity(i, someIdentity(), "orders", start.Add(300*time.Millisecond))))
	if diff := cmp.Diff(map[string]any{"alg": "ES256", "typ": "JWT", "kid": kids[0]}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	want := map[string]any{
		"iss": issuerURL, "aud": "orders", "sub": "42", "sid": "S3SS10N", "email": "jane@example.com", "role": "user",
		"iat": float64(start.Unix()), "exp": float64(start.Unix() + 120),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestIdentityIsReusedForAMinute(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	mint := func(who token.Identity, audience string, after time.Duration) string {
		return must(t)(mintIdentity(i, who, audience, start.Add(after)))
	}
	first := mint(someIdentity(), "orders", 0)
	if mint(someIdentity(), "orders", 59*time.Second) != first {
		t.Error("signed again within the minute")
	}
	other := func(change func(*token.Identity)) token.Identity {
		who := someIdentity()
		change(&who)
		return who
	}
	for what, raw := range map[string]string{
		"another audience": mint(someIdentity(), "billing", time.Second),
		"another role":     mint(other(func(w *token.Identity) { w.Role = "admin" }), "orders", time.Second),
		"another email":    mint(other(func(w *token.Identity) { w.Email = "new@example.com" }), "orders", time.Second),
		"another session":  mint(other(func(w *token.Identity) { w.SessionID = "OTHER" }), "orders", time.Second),
		"another user":     mint(other(func(w *token.Identity) { w.UserID = "43" }), "orders", time.Second),
	} {
		if raw == first {
			t.Errorf("%s got the same token", what)
		}
	}
	// A role change shows in the very next request.
	_, claims := decodeToken(t, mint(other(func(w *token.Identity) { w.Role = "admin" }), "orders", 2*time.Second))
	if claims["role"] != "admin" {
		t.Errorf("role is %v", claims["role"])
	}
	// Whatever is handed out leaves the upstream a minute to read it.
	renewed := mint(someIdentity(), "orders", time.Minute)
	if renewed == first {
		t.Error("not renewed after a minute")
	}
	_, claims = decodeToken(t, renewed)
	if exp := int64(claims["exp"].(float64)); exp != start.Add(3*time.Minute).Unix() {
		t.Errorf("the renewed one ends at %d", exp)
	}
}

func TestIdentityCacheIsBounded(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	mint := func(n int, after time.Duration) string {
		who := someIdentity()
		who.SessionID = strconv.Itoa(n)
		return must(t)(mintIdentity(i, who, "orders", start.Add(after)))
	}
	const half = token.MaxCachedIdentities / 2
	for n := range half {
		mint(n, 0)
	}
	fresh := mint(half, 50*time.Second)
	for n := half + 1; n < 2*half; n++ {
		mint(n, 50*time.Second)
	}
	if got := i.CachedIdentities(); got != token.MaxCachedIdentities {
		t.Fatalf("%d are cached, want %d", got, token.MaxCachedIdentities)
	}
	// Full: what is stale goes, what is fresh stays.
	mint(-1, 61*time.Second)
	if got := i.CachedIdentities(); got != half+1 {
		t.Errorf("%d are cached after the stale half went, want %d", got, half+1)
	}
	if mint(half, 61*time.Second) != fresh {
		t.Error("a fresh one was thrown out with the stale ones")
	}
	// Full of fresh ones: bounded all the same.
	for n := range half + 10 {
		mint(-2-n, 62*time.Second)
		if got := i.CachedIdentities(); got > token.MaxCachedIdentities {
			t.Fatalf("%d are cached, more than %d", got, token.MaxCachedIdentities)
		}
	}
}

func TestIdentityIsMintedConcurrently(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for k := range 50 {
				who := someIdentity()
				who.SessionID = strconv.Itoa(k % 5)
				raw, err := mintIdentity(i, who, "orders", start.Add(time.Duration(n*k)*time.Second))
				if err != nil {
					t.Error(err)
					return
				}
				if _, claims := decodeToken(t, raw); claims["sid"] != who.SessionID {
					t.Errorf("session %v got the token of %v", who.SessionID, claims["sid"])
				}
			}
		})
	}
	all.Wait()
}

func TestFirstIdentityKeySignsAndAllArePublished(t *testing.T) {
	t.Parallel()
	older, newer := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	before := newIssuer(t, func(c *token.Config) { c.IdentityKeys = []*ecdsa.PrivateKey{older} })
	during := newIssuer(t, func(c *token.Config) { c.IdentityKeys = []*ecdsa.PrivateKey{newer, older} })
	kids, _ := keySet(t, during.JWKS())
	oldKids, _ := keySet(t, before.JWKS())
	if len(kids) != 2 || len(oldKids) != 1 || kids[1] != oldKids[0] || kids[0] == kids[1] {
		t.Fatalf("published: %v, before: %v", kids, oldKids)
	}
	raw := must(t)(mintIdentity(during, someIdentity(), "orders", start))
	if header, _ := decodeToken(t, raw); header["kid"] != kids[0] {
		t.Errorf("signed by %v, want the first, %s", header["kid"], kids[0])
	}
	if err := verifyIdentity(t, during, raw, "orders", start); err != nil {
		t.Error(err)
	}
	// An upstream with the new key set still reads what was signed before.
	if err := verifyIdentity(t, during, must(t)(mintIdentity(before, someIdentity(), "orders", start)), "orders", start); err != nil {
		t.Error(err)
	}
	if err := verifyIdentity(t, before, raw, "orders", start); err == nil {
		t.Error("a key set without the new key verifies its token")
	}
}

func TestKeySetHoldsPublicPartsOnly(t *testing.T) {
	t.Parallel()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(newIssuer(t).JWKS(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%v, %d keys", err, len(set.Keys))
	}
	k := set.Keys[0]
	want := map[string]any{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "x": k["x"], "y": k["y"], "kid": k["kid"]}
	if diff := cmp.Diff(want, k); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// RFC 7638 §3: SHA-256 over the required members, sorted, without white
// space. Go's maps marshal exactly so.
func TestKidIsTheKeysThumbprint(t *testing.T) {
	t.Parallel()
	// Coordinates that begin with a zero byte are where encoders go wrong.
	key := newKey(t, elliptic.P256())
	for {
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			break
		}
		key = newKey(t, elliptic.P256())
	}
	i := newIssuer(t, func(c *token.Config) { c.IdentityKeys = append(c.IdentityKeys, key) })
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(i.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		canonical, err := json.Marshal(map[string]string{"kty": k["kty"], "crv": k["crv"], "x": k["x"], "y": k["y"]})
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(canonical)
		if want := base64.RawURLEncoding.EncodeToString(sum[:]); k["kid"] != want {
			t.Errorf("kid is %s, want %s", k["kid"], want)
		}
	}
	_, keys := keySet(t, i.JWKS())
	found := false
	for _, public := range keys {
		found = found || public.Equal(&key.PublicKey)
	}
	if !found {
		t.Error("the key with a leading zero is not published as it is")
	}
}
