package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// seedTokens are the genuine token and what a forger tries first.
func seedTokens(f *testing.F, genuine string, k kind) {
	f.Helper()
	parts := strings.Split(genuine, ".")
	for _, raw := range []string{
		genuine, "", ".", "..", "...", genuine + ".", genuine + "=", genuine[:len(genuine)-1], "\n" + genuine,
		genuine[:len(genuine)-1] + "B", parts[0] + "." + parts[1] + ".",
		parts[0] + "." + parts[1] + "." + parts[2][:20] + "\r\n" + parts[2][20:],
		encode(f, object{"alg": "none", "typ": k.header["typ"]}) + "." + parts[1] + ".",
		signHS256(f, k.other, k.header, k.claims),
		signHS256(f, k.secret[:32], k.header, k.claims),
	} {
		f.Add(raw, int64(0))
	}
	f.Add(genuine, int64(1<<40))
	f.Add(genuine, int64(-1<<40))
}

// checkVerdict: only the one genuine token is anything but invalid, at any
// time of day. Nobody who fuzzes has the key.
func checkVerdict(t *testing.T, i *token.Issuer, k kind, genuine, raw string, seconds int64) {
	t.Helper()
	_, empty, err := k.verify(i, raw, start.Add(time.Duration(seconds%(1<<32))*time.Second))
	switch {
	case raw != genuine && (!errors.Is(err, token.ErrInvalid) || !empty):
		t.Fatalf("accepted a token that nobody minted: %q: %v", raw, err)
	case raw == genuine && err != nil && !errors.Is(err, token.ErrExpired):
		t.Fatalf("refused the genuine token: %v", err)
	}
}

func FuzzVerifyAccess(f *testing.F) {
	i, k := newIssuer(f), kinds()[0]
	genuine := must(f)(i.MintAccess(someAccess()))
	seedTokens(f, genuine, k)
	f.Fuzz(func(t *testing.T, raw string, seconds int64) { checkVerdict(t, i, k, genuine, raw, seconds) })
}

func FuzzVerifyRefresh(f *testing.F) {
	i, k := newIssuer(f), kinds()[1]
	genuine := must(f)(i.MintRefresh(someRefresh()))
	seedTokens(f, genuine, k)
	f.Fuzz(func(t *testing.T, raw string, seconds int64) { checkVerdict(t, i, k, genuine, raw, seconds) })
}

// What a key holder signs by mistake must not panic either: whatever the
// header and the claims are, the answer is one of three.
func FuzzVerifySigned(f *testing.F) {
	i := newIssuer(f)
	f.Add(`{"alg":"HS256","typ":"at+jwt"}`, `{"iss":"https://app.example.com","sub":"1","sid":"s","gen":1,"role":"user","exp":4102444800,"iat":1}`)
	f.Add(`{"alg":"HS256","typ":"rt+jwt"}`, `{"iss":"https://app.example.com","sub":"1","sid":"s","gen":1,"jti":"s.1.1.r","exp":1e400,"iat":null}`)
	f.Add(`{"alg":["HS256"],"typ":null}`, `[]`)
	f.Add(`null`, `null`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		for _, k := range kinds() {
			raw := signRaw(k.secret, header, claims)
			if _, empty, err := k.verify(i, raw, start); err != nil && !errors.Is(err, token.ErrExpired) && (!errors.Is(err, token.ErrInvalid) || !empty) {
				t.Fatalf("%s: %v, claims missing: %v", k.name, err, empty)
			}
		}
	})
}
