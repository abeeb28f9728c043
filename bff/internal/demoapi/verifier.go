package demoapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	errNoToken = errors.New("no bearer token")
	errNoKeys  = errors.New("no keys yet")
)

// verifier checks identity tokens. Every requirement is stated
// explicitly (RFC 8725 §3): by default a JWT library takes any algorithm that
// its key fits, tokens for other audiences, and tokens without an end.
type verifier struct {
	parser   *jwt.Parser
	keys     *keySet
	audience string
}

type claims struct {
	jwt.RegisteredClaims
	Email string `json:"email"`
	Role  string `json:"role"`
}

func newVerifier(keys *keySet, issuer, audience string, now func() time.Time) *verifier {
	return &verifier{
		keys:     keys,
		audience: audience,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{"ES256"}), // never "none", never HS256 with a public key as secret
			jwt.WithIssuer(issuer),
			jwt.WithAudience(audience), // a token for another backend is not for us to use
			jwt.WithExpirationRequired(),
			jwt.WithStrictDecoding(),
			jwt.WithTimeFunc(now),
		),
	}
}

func (v *verifier) caller(r *http.Request) (Caller, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return Caller{}, errNoToken
	}
	scheme, raw, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, errNoToken
	}
	var c claims
	token, err := v.parser.ParseWithClaims(raw, &c, v.keys.lookup(r.Context()))
	if err != nil {
		return Caller{}, err
	}
	if typ, _ := token.Header["typ"].(string); typ != "JWT" {
		return Caller{}, fmt.Errorf("typ is %q: a token of another kind", typ)
	}
	if token.Header["crit"] != nil {
		return Caller{}, errors.New("crit names extensions that are not understood (RFC 7515 §4.1.11)")
	}
	if c.Subject == "" {
		return Caller{}, errors.New("sub is empty")
	}
	return Caller{ID: c.Subject, Email: c.Email, Role: c.Role, Audience: v.audience}, nil
}
