// Package token mints and verifies every token of the product: the access and
// refresh tokens of the browser's cookies, the identity token that upstream
// APIs receive, and the device cookie. It is the only package that knows JWT.
//
// golang-jwt's defaults accept a missing exp, an unknown crit, any typ and an
// altered last signature character (RFC 8725 asks for the opposite); each of
// these is shut in parse.
package token

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Answers of the verifying functions.
var (
	// ErrInvalid: not one of our tokens, or not of the kind asked for.
	ErrInvalid = errors.New("invalid token")
	// ErrExpired: one of ours, genuine, past its time. The claims are returned
	// beside it.
	ErrExpired = errors.New("expired token")
)

// typ header values; what keeps one kind of token from working as another
// even if an operator configured one secret twice (RFC 8725 §3.11).
const (
	typAccess   = "at+jwt"
	typRefresh  = "rt+jwt"
	typIdentity = "JWT"
)

// Config configures an Issuer. In each list the first key signs and
// all verify, so that keys can be changed without signing anyone out.
type Config struct {
	Issuer       string // PUBLIC_URL
	AccessKeys   [][]byte
	RefreshKeys  [][]byte
	IdentityKeys []*ecdsa.PrivateKey // P-256
}

// Issuer mints and verifies. It is safe for concurrent use.
type Issuer struct{ keys atomic.Pointer[Keys] }

// Keys is a set of keys, with all that is derived from them or remembered
// because of them. It is never changed: a key that is taken out goes with the
// set, and with it what it had signed.
type Keys struct {
	issuer   string
	access   hmacKeys
	refresh  hmacKeys
	device   [][]byte
	identity []identityKey
	jwks     []byte
	verified verified // by the keys above, which are this set's for good

	mu    sync.RWMutex
	cache map[identityClaimsKey]cachedIdentity
}

// New checks the keys and makes an Issuer.
func New(c Config) (*Issuer, error) {
	keys, err := NewKeys(c)
	if err != nil {
		return nil, err
	}
	i := &Issuer{}
	i.Use(keys)
	return i, nil
}

// Use puts other keys in force, all of them at once. Each call of another method
// works with one set from its beginning to its end.
func (i *Issuer) Use(k *Keys) { i.keys.Store(k) }

// NewKeys checks the keys and makes a set.
func NewKeys(c Config) (*Keys, error) {
	if c.Issuer == "" {
		return nil, errors.New("token: Issuer is empty; give the public URL")
	}
	k := &Keys{
		issuer: c.Issuer, cache: make(map[identityClaimsKey]cachedIdentity), verified: verified{seed: maphash.MakeSeed()},
	}
	var err error
	if k.access, err = newHMACKeys("access", c.AccessKeys); err != nil {
		return nil, err
	}
	if k.refresh, err = newHMACKeys("refresh", c.RefreshKeys); err != nil {
		return nil, err
	}
	if k.device, err = deviceKeys(c.RefreshKeys); err != nil {
		return nil, err
	}
	if k.identity, err = newIdentityKeys(c.IdentityKeys); err != nil {
		return nil, err
	}
	k.jwks = jwks(k.identity)
	return k, nil
}

// hmacKeys is a list of HS256 keys: the first signs, all verify.
type hmacKeys struct {
	sign   []byte
	verify jwt.VerificationKeySet
}

const minSecretBytes = 32 // RFC 7518 §3.2: no shorter than the hash

func newHMACKeys(what string, keys [][]byte) (hmacKeys, error) {
	if len(keys) == 0 {
		return hmacKeys{}, fmt.Errorf("token: no %s secret", what)
	}
	out := hmacKeys{sign: keys[0]}
	for n, k := range keys {
		if len(k) < minSecretBytes {
			return hmacKeys{}, fmt.Errorf("token: %s secret %d has %d bytes, at least %d are needed", what, n+1, len(k), minSecretBytes)
		}
		out.verify.Keys = append(out.verify.Keys, k)
	}
	return out, nil
}

func (k hmacKeys) mint(typ string, claims jwt.Claims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	t.Header["typ"] = typ
	return t.SignedString(k.sign)
}

// parse verifies raw as one of our HS256 tokens of the kind typ and fills
// claims. With ErrExpired the claims are genuine and filled too.
func (k hmacKeys) parse(raw, typ, issuer string, now time.Time, claims jwt.Claims) error {
	// Strict base64 still skips line breaks: a signature would have spellings
	// without end (RFC 7515 §2 has none).
	if strings.ContainsAny(raw, "\r\n") {
		return fmt.Errorf("%w: a line break in it", ErrInvalid)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	_, err := parser.ParseWithClaims(raw, claims, func(t *jwt.Token) (any, error) {
		if err := checkHeader(t.Header, typ); err != nil {
			return nil, err
		}
		return k.verify, nil
	})
	switch {
	case err == nil:
		return nil
	case onlyExpired(err):
		return ErrExpired
	default:
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
}

// checkHeader admits alg and typ and nothing else. Header fields that name
// keys (jku, jwk, x5u, x5c) or demand an extension (crit) have let attackers
// bring their own keys; ours never carry them.
func checkHeader(h map[string]any, typ string) error {
	for name, value := range h {
		switch name {
		case "alg": // WithValidMethods has checked it
		case "typ":
			if value != typ {
				return fmt.Errorf("typ is not %s", typ)
			}
		default:
			return errors.New("unexpected header")
		}
	}
	if h["typ"] == nil {
		return errors.New("typ is missing")
	}
	return nil
}

// onlyExpired: the signature held and the expiry is the one thing wrong.
// golang-jwt joins every failed claim into one error.
func onlyExpired(err error) bool {
	return errors.Is(err, jwt.ErrTokenExpired) &&
		!errors.Is(err, jwt.ErrTokenInvalidIssuer) &&
		!errors.Is(err, jwt.ErrTokenRequiredClaimMissing) &&
		!errors.Is(err, jwt.ErrTokenNotValidYet) &&
		!errors.Is(err, jwt.ErrTokenUsedBeforeIssued) &&
		!errors.Is(err, jwt.ErrTokenSignatureInvalid)
}
