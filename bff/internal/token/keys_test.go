package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

const (
	newAccessSecret  = "new-access-secret-of-these-tests-112233"
	newRefreshSecret = "new-refresh-secret-of-these-tests-44556"
)

// put puts other keys in force.
func put(t testing.TB, i *token.Issuer, c token.Config) {
	t.Helper()
	keys, err := token.NewKeys(c)
	if err != nil {
		t.Fatal(err)
	}
	i.Use(keys)
}

// signed is one of everything that an Issuer signs.
type signed struct{ access, refresh, device, identity string }

func sign(t testing.TB, i *token.Issuer) signed {
	t.Helper()
	return signed{
		must(t)(i.MintAccess(someAccess())), must(t)(i.MintRefresh(someRefresh())), i.NewDevice("42"),
		must(t)(mintIdentity(i, someIdentity(), "orders", start)),
	}
}

// accepted says which of them are.
func accepted(i *token.Issuer, s signed) (access, refresh, device bool) {
	_, accessErr := i.VerifyAccess(s.access, start)
	_, refreshErr := i.VerifyRefresh(s.refresh, start)
	return accessErr == nil, refreshErr == nil, i.VerifyDevice(s.device, "42")
}

// What was verified once is kept for as long as the key is in force, and not a
// request longer.
func TestTokensOfAKeyThatIsTakenOutAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	old := goodConfig(t)
	i, err := token.New(old)
	if err != nil {
		t.Fatal(err)
	}
	before := sign(t, i)
	all := func(when string, s signed, want bool) {
		t.Helper()
		for range 2 { // the second one would be remembered
			if a, r, d := accepted(i, s); a != want || r != want || d != want {
				t.Errorf("%s: access %v, refresh %v, device %v, want %v", when, a, r, d, want)
			}
		}
	}
	all("at first", before, true)

	both, only := old, old
	newer := newKey(t, elliptic.P256())
	only.AccessKeys, only.RefreshKeys = [][]byte{[]byte(newAccessSecret)}, [][]byte{[]byte(newRefreshSecret)}
	only.IdentityKeys = []*ecdsa.PrivateKey{newer}
	both.AccessKeys, both.RefreshKeys = append(only.AccessKeys, old.AccessKeys...), append(only.RefreshKeys, old.RefreshKeys...)
	both.IdentityKeys = append(only.IdentityKeys, old.IdentityKeys...)

	put(t, i, both)
	all("beside a new one", before, true)
	after := sign(t, i)
	all("by the new one", after, true)
	if after.access == before.access || after.refresh == before.refresh {
		t.Error("the new secrets do not sign")
	}
	if header(after.identity) == header(before.identity) {
		t.Error("an identity token of the old key is handed out again")
	}
	if n := strings.Count(string(i.JWKS()), `"kid"`); n != 2 {
		t.Errorf("%d keys are published", n)
	}

	put(t, i, only)
	all("taken out", before, false)
	all("the new one alone", after, true)
	if n := strings.Count(string(i.JWKS()), `"kid"`); n != 1 {
		t.Errorf("%d keys are published", n)
	}
}

func header(raw string) string { h, _, _ := strings.Cut(raw, "."); return h }

func TestKeysThatAreNoneStayOutOfForce(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*token.Config){
		"no access secret": func(c *token.Config) { c.AccessKeys = nil },
		"a short one":      func(c *token.Config) { c.RefreshKeys = append(c.RefreshKeys, []byte("short")) },
		"no identity key":  func(c *token.Config) { c.IdentityKeys = nil },
		"no issuer":        func(c *token.Config) { c.Issuer = "" },
	} {
		c := goodConfig(t)
		spoil(&c)
		if keys, err := token.NewKeys(c); err == nil || keys != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Sets that take turns under load: each call has one of them.
func TestKeysAreReplacedWhileTheyAreUsed(t *testing.T) {
	t.Parallel()
	a := goodConfig(t)
	b := a
	b.AccessKeys, b.RefreshKeys = [][]byte{[]byte(newAccessSecret), a.AccessKeys[0]}, [][]byte{[]byte(newRefreshSecret), a.RefreshKeys[0]}
	a.AccessKeys, a.RefreshKeys = append(a.AccessKeys, b.AccessKeys[0]), append(a.RefreshKeys, b.RefreshKeys[0])
	i, err := token.New(a)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := sign(t, i)
				if access, refresh, device := accepted(i, s); !access || !refresh || !device {
					t.Errorf("refused: %v %v %v", access, refresh, device)
					return
				}
				if _, err := i.VerifyAccess(s.access+"x", start); !errors.Is(err, token.ErrInvalid) {
					t.Errorf("a forged one: %v", err)
				}
			}
		})
	}
	for range 50 {
		put(t, i, b)
		put(t, i, a)
	}
	close(done)
	all.Wait()
}
