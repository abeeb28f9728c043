package token_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// kind is one of the two tokens that a browser brings back.
type kind struct {
	name           string
	header, claims object
	secret, other  string // its own and the other kind's
	verify         func(i *token.Issuer, raw string, now time.Time) (claims any, empty bool, err error)
}

func kinds() []kind {
	return []kind{
		{"access", accessHeader, accessClaims, accessSecret, refreshSecret,
			func(i *token.Issuer, raw string, now time.Time) (any, bool, error) {
				a, err := i.VerifyAccess(raw, now)
				return a, a == token.Access{}, err
			}},
		{"refresh", refreshHeader, refreshClaims, refreshSecret, accessSecret,
			func(i *token.Issuer, raw string, now time.Time) (any, bool, error) {
				r, err := i.VerifyRefresh(raw, now)
				return r, r == token.Refresh{}, err
			}},
	}
}

// refuses wants a plain no: invalid, and not a word of the claims.
func (k kind) refuses(t *testing.T, i *token.Issuer, what, raw string, now time.Time) {
	t.Helper()
	claims, empty, err := k.verify(i, raw, now)
	if !errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		t.Errorf("%s: %s: %v, want ErrInvalid", k.name, what, err)
	}
	if !empty {
		t.Errorf("%s: %s: claims came back: %+v", k.name, what, claims)
	}
}

func (k kind) accepts(t *testing.T, i *token.Issuer, what, raw string, now time.Time) {
	t.Helper()
	if _, _, err := k.verify(i, raw, now); err != nil {
		t.Errorf("%s: %s: %v", k.name, what, err)
	}
}

func TestForgedHeadersAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	for _, k := range kinds() {
		k.accepts(t, i, "the forger's starting point", signHS256(t, k.secret, k.header, k.claims), start)
		for what, change := range map[string]object{
			"crit":            {"crit": []string{"exp"}},
			"unknown crit":    {"crit": []string{"bogus"}, "bogus": true},
			"empty crit":      {"crit": []string{}},
			"jku":             {"jku": "https://evil.example/keys.json"},
			"jwk":             {"jwk": object{"kty": "oct", "k": "c2VjcmV0"}},
			"kid":             {"kid": "../../dev/null"},
			"x5u":             {"x5u": "https://evil.example/cert.pem"},
			"x5c":             {"x5c": []string{"MIIB"}},
			"x5t":             {"x5t": "aaaa"},
			"x5t#S256":        {"x5t#S256": "aaaa"},
			"cty":             {"cty": "JWT"},
			"b64":             {"b64": false},
			"zip":             {"zip": "DEF"},
			"any other field": {"x-new": 1},
			"no typ":          {"typ": nil},
			"empty typ":       {"typ": ""},
			"typ JWT":         {"typ": "JWT"},
			"typ in capitals": {"typ": strings.ToUpper(k.header["typ"].(string))},
			"long form typ":   {"typ": "application/" + k.header["typ"].(string)},
			"typ as a list":   {"typ": []string{k.header["typ"].(string)}},
			"typ as a number": {"typ": 1},
			"alg HS384":       {"alg": "HS384"},
			"alg HS512":       {"alg": "HS512"},
			"alg RS256":       {"alg": "RS256"},
			"alg ES256":       {"alg": "ES256"},
			"alg none":        {"alg": "none"},
			"alg None":        {"alg": "None"},
			"alg lower case":  {"alg": "hs256"},
			"empty alg":       {"alg": ""},
			"no alg":          {"alg": nil},
			"alg as a number": {"alg": 256},
		} {
			k.refuses(t, i, what, signHS256(t, k.secret, k.header.with(change), k.claims), start)
		}
	}
}

func TestForgedClaimsAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	for _, k := range kinds() {
		changes := map[string]object{
			"no exp":               {"exp": nil},
			"exp null":             {"exp": []any{nil}},
			"exp as a word":        {"exp": "never"},
			"no iat":               {"iat": nil},
			"no iss":               {"iss": nil},
			"empty iss":            {"iss": ""},
			"another iss":          {"iss": "https://evil.example"},
			"iss with a slash":     {"iss": issuerURL + "/"},
			"iss in capitals":      {"iss": strings.ToUpper(issuerURL)},
			"no sub":               {"sub": nil},
			"empty sub":            {"sub": ""},
			"sub as a number":      {"sub": 42},
			"no sid":               {"sid": nil},
			"empty sid":            {"sid": ""},
			"no gen":               {"gen": nil},
			"gen zero":             {"gen": 0},
			"gen negative":         {"gen": -1},
			"gen broken":           {"gen": 1.5},
			"gen above 32 bits":    {"gen": 1 << 32},
			"gen as a string":      {"gen": "7"},
			"not valid yet":        {"nbf": start.Add(time.Hour).Unix()},
			"expired, another iss": {"exp": start.Add(-time.Hour).Unix(), "iss": "https://evil.example"},
			"expired, no iss":      {"exp": start.Add(-time.Hour).Unix(), "iss": nil},
			"expired, no sub":      {"exp": start.Add(-time.Hour).Unix(), "sub": nil},
			"expired, no sid":      {"exp": start.Add(-time.Hour).Unix(), "sid": nil},
			"expired, no gen":      {"exp": start.Add(-time.Hour).Unix(), "gen": nil},
			"expired, not yet":     {"exp": start.Add(-time.Hour).Unix(), "nbf": start.Add(time.Hour).Unix()},
		}
		if k.name == "access" {
			changes["no role"] = object{"role": nil}
			changes["empty role"] = object{"role": ""}
			changes["role as a list"] = object{"role": []string{"admin"}}
		} else {
			for what, jti := range map[string]any{
				"no jti": nil, "empty jti": "", "jti of another session": "OTHER.7.tjyi68.r", "jti of three parts": "S3SS10N.7.r",
				"jti of five parts": "S3SS10N.7.tjyi68.r.r", "jti of another kind": "S3SS10N.7.tjyi68.x",
				"jti without an end": "S3SS10N.7..r", "jti with a bad end": "S3SS10N.7.!!.r",
				"jti whose end is too big": "S3SS10N.7.zzzzzzzzzzzzzzz.r", "jti as a number": 7,
			} {
				changes[what] = object{"jti": jti}
			}
			changes["empty sid that jti agrees with"] = object{"sid": "", "jti": ".7.tjyi68.r"}
		}
		for what, change := range changes {
			k.refuses(t, i, what, signHS256(t, k.secret, k.header, k.claims.with(change)), start)
		}
		// The one flaw that does not make a token a stranger's.
		expired := signHS256(t, k.secret, k.header, k.claims.with(object{"exp": start.Add(-time.Hour).Unix()}))
		if _, empty, err := k.verify(i, expired, start); !errors.Is(err, token.ErrExpired) || empty {
			t.Errorf("%s: only expired: %v, claims missing: %v", k.name, err, empty)
		}
	}
}

func TestForgedSignaturesAreRefused(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	i, err := token.New(c)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&c.IdentityKeys[0].PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	for _, k := range kinds() {
		sign := func(m jwt.SigningMethod, key any) string {
			tok := jwt.NewWithClaims(m, jwt.MapClaims(k.claims))
			tok.Header["typ"] = k.header["typ"]
			return must(t)(tok.SignedString(key))
		}
		good := signHS256(t, k.secret, k.header, k.claims)
		k.accepts(t, i, "made by the library", sign(jwt.SigningMethodHS256, []byte(k.secret)), start)
		head, body, signature := cut3(t, good)
		for what, raw := range map[string]string{
			"alg none":                        sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
			"alg none, kept signature":        encode(t, k.header.with(object{"alg": "none"})) + "." + body + "." + signature,
			"RS256":                           sign(jwt.SigningMethodRS256, rsaKey),
			"PS256":                           sign(jwt.SigningMethodPS256, rsaKey),
			"ES256 with our own identity key": sign(jwt.SigningMethodES256, c.IdentityKeys[0]),
			"HS384 with the right secret":     sign(jwt.SigningMethodHS384, []byte(k.secret)),
			"HS512 with the right secret":     sign(jwt.SigningMethodHS512, []byte(k.secret)),
			"the other kind's secret":         signHS256(t, k.other, k.header, k.claims),
			"the public identity key as HMAC": signHS256(t, publicPEM, k.header, k.claims),
			"the JWKS as HMAC":                signHS256(t, string(i.JWKS()), k.header, k.claims),
			"an empty secret":                 signHS256(t, "", k.header, k.claims),
			"a secret that starts alike":      signHS256(t, k.secret[:32], k.header, k.claims),
			"no signature":                    head + "." + body + ".",
			"two parts":                       head + "." + body,
			"four parts":                      good + "." + signature,
			"somebody else's claims":          head + "." + encode(t, k.claims.with(object{"sub": "1"})) + "." + signature,
			"altered header":                  encode(t, k.header.with(object{"x": 1})) + "." + body + "." + signature,
			"padding":                         good + "=",
			"white space before":              " " + good,
			"line break after":                good + "\n",
			"line break in the signature":     good[:len(good)-5] + "\r\n" + good[len(good)-5:],
			"Bearer":                          "Bearer " + good,
			"empty":                           "",
			"dots":                            "..",
			"junk":                            "\x00\xff.é.…",
			"huge":                            strings.Repeat("a", 1<<20),
			"many dots":                       strings.Repeat(".", 1<<16),
		} {
			k.refuses(t, i, what, raw, start)
		}
	}
}

// The last of a signature's 43 characters carries two bits that mean nothing:
// four spellings of one signature, unless decoding is strict.
func TestOneSignatureHasOneSpelling(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, k := range kinds() {
		good := signHS256(t, k.secret, k.header, k.claims)
		for _, c := range alphabet {
			raw := good[:len(good)-1] + string(c)
			if raw == good {
				k.accepts(t, i, "unaltered", raw, start)
				continue
			}
			k.refuses(t, i, "last character "+string(c), raw, start)
		}
	}
}

// No token works in another's place, even where an operator has given both
// kinds one secret.
func TestNoTokenWorksInAnothersPlace(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*token.Config){
		"two secrets": func(*token.Config) {},
		"one secret":  func(c *token.Config) { c.RefreshKeys = c.AccessKeys },
		"each list holds the other's secret": func(c *token.Config) {
			c.AccessKeys, c.RefreshKeys = append(c.AccessKeys, c.RefreshKeys...), append(c.RefreshKeys, c.AccessKeys...)
		},
	} {
		i := newIssuer(t, change)
		access, refresh := must(t)(i.MintAccess(someAccess())), must(t)(i.MintRefresh(someRefresh()))
		identity := must(t)(mintIdentity(i, someIdentity(), "orders", start))
		a, r := kinds()[0], kinds()[1]
		a.accepts(t, i, name+": access", access, start)
		r.accepts(t, i, name+": refresh", refresh, start)
		a.refuses(t, i, name+": refresh as access", refresh, start)
		a.refuses(t, i, name+": identity as access", identity, start)
		a.refuses(t, i, name+": device mark as access", i.NewDevice("42"), start)
		r.refuses(t, i, name+": access as refresh", access, start)
		r.refuses(t, i, name+": identity as refresh", identity, start)
		// With every claim of both kinds it is still only what typ says.
		both := accessClaims.with(refreshClaims)
		a.refuses(t, i, name+": all claims, typ of refresh", signHS256(t, accessSecret, refreshHeader, both), start)
		r.refuses(t, i, name+": all claims, typ of access", signHS256(t, refreshSecret, accessHeader, both), start)
	}
}

// An issuer verifies its own tokens only: staging shares no session with
// production even where somebody copied the secrets.
func TestAnotherInstallationsTokensAreRefused(t *testing.T) {
	t.Parallel()
	keys := []*ecdsa.PrivateKey{goodConfig(t).IdentityKeys[0]}
	production := newIssuer(t, func(c *token.Config) { c.IdentityKeys = keys })
	staging := newIssuer(t, func(c *token.Config) { c.Issuer, c.IdentityKeys = "https://staging.example.com", keys })
	for _, k := range kinds() {
		raw := must(t)(staging.MintAccess(someAccess()))
		if k.name == "refresh" {
			raw = must(t)(staging.MintRefresh(someRefresh()))
		}
		k.accepts(t, staging, "at home", raw, start)
		k.refuses(t, production, "elsewhere", raw, start)
		k.refuses(t, production, "elsewhere, expired", raw, start.Add(1000*24*time.Hour))
	}
}

func cut3(t *testing.T, raw string) (a, b, c string) {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	return parts[0], parts[1], parts[2]
}
