package token

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// IdentityTTL is the whole life of an identity token. It is short because
	// an upstream that verifies it offline does not learn of a sign-out.
	IdentityTTL = 2 * time.Minute
	// identityReuse is how long a cached token is handed out again; what is
	// left of IdentityTTL then is the upstream's margin for a slow queue.
	identityReuse = time.Minute
	// maxCachedIdentities bounds the cache at about 10 MB.
	maxCachedIdentities = 16384
)

// Identity is the caller that an upstream receives.
type Identity struct {
	UserID    string
	SessionID string
	Email     string
	Role      string
}

type identityClaims struct {
	jwt.RegisteredClaims        // iss sub iat exp
	Audience             string `json:"aud"` // one string: some libraries choke on a list
	SessionID            string `json:"sid"`
	Email                string `json:"email"`
	Role                 string `json:"role"`
}

// identityClaimsKey holds the role and email too: a change of either must
// show in the very next request.
type identityClaimsKey struct {
	Identity
	audience string
}

type cachedIdentity struct {
	bearer     string // scheme and token
	reuseUntil time.Time
}

// bearerScheme precedes a token, RFC 6750 §2.1.
const bearerScheme = "Bearer "

// MintBearer gives an ES256 token for one upstream (RFC 7519; the audience keeps
// one upstream from replaying it at another) as the value of an Authorization
// header. Signing costs more than the rest of a proxied request, so the value is
// reused for identityReuse.
func (i *Issuer) MintBearer(who Identity, audience string, now time.Time) (string, error) {
	return i.keys.Load().mintBearer(who, audience, now)
}

func (k *Keys) mintBearer(who Identity, audience string, now time.Time) (string, error) {
	key := identityClaimsKey{who, audience}
	k.mu.RLock()
	hit, ok := k.cache[key]
	k.mu.RUnlock()
	if ok && now.Before(hit.reuseUntil) {
		return hit.bearer, nil
	}

	t := jwt.NewWithClaims(jwt.SigningMethodES256, &identityClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: k.issuer, Subject: who.UserID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(IdentityTTL)),
		},
		Audience: audience, SessionID: who.SessionID, Email: who.Email, Role: who.Role,
	})
	t.Header["typ"] = typIdentity
	t.Header["kid"] = k.identity[0].kid
	signed, err := t.SignedString(k.identity[0].private)
	if err != nil {
		return "", fmt.Errorf("sign identity token: %w", err)
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.cache) >= maxCachedIdentities {
		k.evict(now)
	}
	bearer := bearerScheme + signed
	k.cache[key] = cachedIdentity{bearer: bearer, reuseUntil: now.Add(identityReuse)}
	return bearer, nil
}

// evict drops what is stale and, when that is not enough, everything: a
// refill costs one signature per live session, once a minute at most anyway.
func (k *Keys) evict(now time.Time) {
	for key, v := range k.cache {
		if !now.Before(v.reuseUntil) {
			delete(k.cache, key)
		}
	}
	if len(k.cache) >= maxCachedIdentities {
		clear(k.cache)
	}
}

type identityKey struct {
	kid     string
	private *ecdsa.PrivateKey
	public  jwk
}

type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	KeyID     string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

func newIdentityKeys(keys []*ecdsa.PrivateKey) ([]identityKey, error) {
	if len(keys) == 0 {
		return nil, errors.New("token: no identity key")
	}
	out := make([]identityKey, 0, len(keys))
	for n, k := range keys {
		if k.Curve != elliptic.P256() {
			return nil, fmt.Errorf("token: identity key %d is on %s; ES256 needs P-256", n+1, k.Curve.Params().Name)
		}
		point, err := k.PublicKey.Bytes() // 0x04, X, Y
		if err != nil {
			return nil, fmt.Errorf("token: identity key %d: %w", n+1, err)
		}
		x := base64.RawURLEncoding.EncodeToString(point[1:33])
		y := base64.RawURLEncoding.EncodeToString(point[33:])
		// RFC 7638: the thumbprint of the required members in order.
		sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`))
		kid := base64.RawURLEncoding.EncodeToString(sum[:])
		out = append(out, identityKey{kid: kid, private: k, public: jwk{
			KeyType: "EC", Curve: "P-256", X: x, Y: y, KeyID: kid, Use: "sig", Algorithm: "ES256",
		}})
	}
	return out, nil
}

// JWKS is the key set that upstreams verify identity tokens with (RFC 7517).
// Keys that do not sign stay in it until the operator removes them.
func (i *Issuer) JWKS() []byte { return i.keys.Load().jwks }

func jwks(keys []identityKey) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.public)
	}
	out, err := json.Marshal(set)
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return out
}

// ParseIdentityKeys reads one or more PEM blocks with P-256 private keys
// (PKCS #8 or SEC 1). The first one signs.
func ParseIdentityKeys(text []byte) ([]*ecdsa.PrivateKey, error) {
	var keys []*ecdsa.PrivateKey
	blocks := 0
	for rest := text; ; blocks++ {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type == "EC PARAMETERS" {
			continue // `openssl ecparam -genkey` writes it before the key
		}
		key, err := parsePrivateKey(block)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", blocks+1, err)
		}
		keys = append(keys, key)
	}
	// The decoder steps over what it cannot read; an older key that went that
	// way would be missed when it is needed.
	if begun := bytes.Count(text, []byte("-----BEGIN ")); begun != blocks {
		return nil, fmt.Errorf("%d PEM blocks begin and %d can be read; one is cut off or damaged", begun, blocks)
	}
	if len(keys) == 0 {
		return nil, errors.New("no PEM block with a private key; `gatehouse keys` prints one")
	}
	if _, err := newIdentityKeys(keys); err != nil {
		return nil, err
	}
	return keys, nil
}

func parsePrivateKey(block *pem.Block) (*ecdsa.PrivateKey, error) {
	switch block.Type {
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		ec, ok := key.(*ecdsa.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("is a %T; ES256 needs an EC key on P-256", key)
		}
		return ec, nil
	default:
		return nil, fmt.Errorf("is a %q, not a private key", block.Type)
	}
}
