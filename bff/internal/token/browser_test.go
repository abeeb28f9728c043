package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

func TestAccessRoundTrip(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	for _, email := range []string{
		"jane@example.com", "zoë@例え.jp", `"a<b>&c"@example.com`, "", strings.Repeat("x", 242) + "@example.com", "\u2028@\u0130.com",
	} {
		want := someAccess()
		want.Email = email
		raw := must(t)(i.MintAccess(want))
		got, err := i.VerifyAccess(raw, start)
		if err != nil {
			t.Fatalf("email %q: %v", email, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("email %q (-want +got):\n%s", email, diff)
		}
	}
}

func TestRefreshRoundTrip(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	for name, change := range map[string]func(*token.Refresh){
		"remembered":         func(*token.Refresh) {},
		"not remembered":     func(r *token.Refresh) { r.Remember = false },
		"first generation":   func(r *token.Refresh) { r.Generation = 1 },
		"highest generation": func(r *token.Refresh) { r.Generation = 1<<32 - 1 },
		"absolute end first": func(r *token.Refresh) { r.AbsoluteEnd = r.ExpiresAt.Add(-time.Hour) },
		"end before 1970":    func(r *token.Refresh) { r.AbsoluteEnd = time.Unix(-5, 0) },
	} {
		want := someRefresh()
		change(&want)
		got, err := i.VerifyRefresh(must(t)(i.MintRefresh(want)), start)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The replayed child of a refresh must be the same cookie, byte for byte.
func TestMintingAgainGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	mint := func() (string, string) {
		i, err := token.New(c) // another instance, as behind a load balancer
		if err != nil {
			t.Fatal(err)
		}
		return must(t)(i.MintAccess(someAccess())), must(t)(i.MintRefresh(someRefresh()))
	}
	access, refresh := mint()
	for range 20 {
		if a, r := mint(); a != access || r != refresh {
			t.Fatalf("not the same bytes:\n%s\n%s\n%s\n%s", access, a, refresh, r)
		}
	}
	other := someAccess()
	other.Generation++
	if must(t)(newIssuer(t).MintAccess(other)) == access {
		t.Error("another generation gives the same access token")
	}
}

func TestHeadersAndClaimsAreExactlyThoseOfTheContract(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	access := must(t)(i.MintAccess(someAccess()))
	refresh := must(t)(i.MintRefresh(someRefresh()))
	for name, c := range map[string]struct {
		raw            string
		header, claims map[string]any
	}{
		"access": {
			access,
			map[string]any{"alg": "HS256", "typ": "at+jwt"},
			map[string]any{
				"iss": issuerURL, "sub": "42", "sid": "S3SS10N", "gen": 7.0, "role": "admin", "email": "jane@example.com",
				"iat": float64(start.Unix()), "exp": float64(start.Add(15 * time.Minute).Unix()),
			},
		},
		"refresh": {
			refresh,
			map[string]any{"alg": "HS256", "typ": "rt+jwt"},
			map[string]any{
				"iss": issuerURL, "sub": "42", "sid": "S3SS10N", "gen": 7.0, "jti": "S3SS10N.7.tfumo0.r",
				"iat": float64(start.Unix()), "exp": float64(start.Add(30 * 24 * time.Hour).Unix()),
			},
		},
	} {
		header, claims := decodeToken(t, c.raw)
		if diff := cmp.Diff(c.header, header); diff != "" {
			t.Errorf("%s header (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.claims, claims); diff != "" {
			t.Errorf("%s claims (-want +got):\n%s", name, diff)
		}
	}
}

func TestExpiredTokensStillSayWhoseTheyWere(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	access, refresh := someAccess(), someRefresh()
	rawAccess, rawRefresh := must(t)(i.MintAccess(access)), must(t)(i.MintRefresh(refresh))
	for _, c := range []struct {
		late time.Duration // after the expiry
		want error
	}{
		{-time.Second, nil},
		{0, token.ErrExpired},
		{time.Second, token.ErrExpired},
		{10 * 365 * 24 * time.Hour, token.ErrExpired},
	} {
		gotA, err := i.VerifyAccess(rawAccess, access.ExpiresAt.Add(c.late))
		if !errors.Is(err, c.want) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("access %s after its expiry: %v, want %v", c.late, err, c.want)
		}
		if diff := cmp.Diff(access, gotA); diff != "" {
			t.Errorf("access %s after its expiry (-want +got):\n%s", c.late, diff)
		}
		gotR, err := i.VerifyRefresh(rawRefresh, refresh.ExpiresAt.Add(c.late))
		if !errors.Is(err, c.want) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("refresh %s after its expiry: %v, want %v", c.late, err, c.want)
		}
		if diff := cmp.Diff(refresh, gotR); diff != "" {
			t.Errorf("refresh %s after its expiry (-want +got):\n%s", c.late, diff)
		}
	}
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	const older, newer = "the-older-secret-of-0123456789-abcdef", "the-newer-secret-of-9876543210-fedcba"
	with := func(secrets ...string) *token.Issuer {
		return newIssuer(t, func(c *token.Config) {
			c.AccessKeys, c.RefreshKeys = nil, nil
			for _, s := range secrets {
				c.AccessKeys = append(c.AccessKeys, []byte("a-"+s))
				c.RefreshKeys = append(c.RefreshKeys, []byte("r-"+s))
			}
		})
	}
	before, during, after := with(older), with(newer, older), with(newer)
	for name, c := range map[string]struct {
		minter, verifier *token.Issuer
		want             error
	}{
		"an old token while both keys count":           {before, during, nil},
		"a token of the rotation itself":               {during, during, nil},
		"a token of the rotation, old key gone":        {during, after, nil},
		"an old token, old key gone":                   {before, after, token.ErrInvalid},
		"a token of the rotation for the old instance": {during, before, token.ErrInvalid},
	} {
		if _, err := c.verifier.VerifyAccess(must(t)(c.minter.MintAccess(someAccess())), start); !errors.Is(err, c.want) {
			t.Errorf("access: %s: %v, want %v", name, err, c.want)
		}
		if _, err := c.verifier.VerifyRefresh(must(t)(c.minter.MintRefresh(someRefresh())), start); !errors.Is(err, c.want) {
			t.Errorf("refresh: %s: %v, want %v", name, err, c.want)
		}
	}
	// Expired under the old key is expired, not invalid: the browser is told
	// "session expired", and the session can be ended.
	raw := must(t)(before.MintRefresh(someRefresh()))
	if _, err := during.VerifyRefresh(raw, someRefresh().ExpiresAt); !errors.Is(err, token.ErrExpired) {
		t.Errorf("expired, signed with the old key: %v", err)
	}
}

// Proxies and browsers stumble over fat headers.
func TestBothCookiesTogetherStayBelow2KiB(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, func(c *token.Config) { c.Issuer = "https://" + strings.Repeat("label.", 10) + "example.com:8443" })
	const longestID, sid = "18446744073709551615", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	access, refresh := someAccess(), someRefresh()
	access.UserID, access.SessionID, access.Generation = longestID, sid, 1<<32-1
	refresh.UserID, refresh.SessionID, refresh.Generation = longestID, sid, 1<<32-1
	access.Email = strings.Repeat("e", 242) + "@example.com" // 254 bytes
	if len(access.Email) != 254 {
		t.Fatal(len(access.Email))
	}
	const attributes = "; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict"
	total := len("__Host-access_token="+must(t)(i.MintAccess(access))+attributes) +
		len("__Host-refresh_token="+must(t)(i.MintRefresh(refresh))+attributes)
	if total >= 2<<10 {
		t.Errorf("the two cookies take %d bytes", total)
	}
}

func TestNewRefusesWhatItCannotWorkWith(t *testing.T) {
	t.Parallel()
	key := func(n int) [][]byte { return [][]byte{[]byte(strings.Repeat("k", n))} }
	for name, c := range map[string]struct {
		change func(*token.Config)
		want   string // "" is a yes
	}{
		"good":                   {func(*token.Config) {}, ""},
		"32 bytes":               {func(c *token.Config) { c.AccessKeys = key(32) }, ""},
		"no issuer":              {func(c *token.Config) { c.Issuer = "" }, "Issuer is empty"},
		"no access secret":       {func(c *token.Config) { c.AccessKeys = nil }, "no access secret"},
		"no refresh secret":      {func(c *token.Config) { c.RefreshKeys = nil }, "no refresh secret"},
		"short access secret":    {func(c *token.Config) { c.AccessKeys = key(31) }, "access secret 1 has 31 bytes"},
		"short refresh secret":   {func(c *token.Config) { c.RefreshKeys = key(31) }, "refresh secret 1 has 31 bytes"},
		"empty secret":           {func(c *token.Config) { c.RefreshKeys = key(0) }, "refresh secret 1 has 0 bytes"},
		"short secret in second": {func(c *token.Config) { c.AccessKeys = append(c.AccessKeys, key(31)...) }, "access secret 2 has 31 bytes"},
		"no identity key":        {func(c *token.Config) { c.IdentityKeys = nil }, "no identity key"},
	} {
		config := goodConfig(t)
		c.change(&config)
		_, err := token.New(config)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
