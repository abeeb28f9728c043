package token_test

import (
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// manyAccess are the verified tokens of n sessions.
func manyAccess(t testing.TB, i *token.Issuer, n int) (raws []string) {
	t.Helper()
	a := someAccess()
	for s := range n {
		a.SessionID = "S3SS10N" + strconv.Itoa(s)
		raws = append(raws, must(t)(i.MintAccess(a)))
		verifyAccess(t, i, raws[s], start)
	}
	return raws
}

func verifyAccess(t testing.TB, i *token.Issuer, raw string, now time.Time) token.Access {
	t.Helper()
	a, err := i.VerifyAccess(raw, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// spellings are raw and what is nearly raw: what a lookup by anything less
// than all of the bytes would take for it.
func spellings(r *rand.Rand, raw string) []string {
	at := r.IntN(len(raw))
	flipped := []byte(raw)
	flipped[at] ^= 1 << r.IntN(8)
	upper := []byte(raw)
	upper[at] ^= 0x20
	last := raw[:len(raw)-1] + string(rune('A'+r.IntN(26)))
	return []string{
		raw, string(flipped), string(upper), last, raw[:at], raw[at:], raw[:at] + "\r\n" + raw[at:], raw[:at] + "\n" + raw[at:],
		raw + "\n", "\r" + raw, raw + "=", raw + "\x00", " " + raw, raw + raw, strings.ReplaceAll(raw, "-", "+"), "",
	}
}

// signedClaims are tokens that bear our signature: those we mint, and those
// only a slip of ours could make.
func signedClaims(t testing.TB, r *rand.Rand) string {
	iat := start.Add(time.Duration(r.IntN(40)-20) * time.Minute)
	claims := accessClaims.with(object{
		"sid": strconv.Itoa(r.IntN(4)), "gen": r.IntN(3), "iat": iat.Unix(), "exp": iat.Add(time.Duration(r.IntN(20)) * time.Minute).Unix(),
	})
	odd := []object{
		{}, {}, {}, {}, {"exp": nil}, {"iat": nil}, {"iat": "soon"}, {"role": ""}, {"iss": "https://evil.example"}, {"email": nil},
		{"nbf": iat.Unix()}, {"nbf": iat.Add(5 * time.Minute).Unix()}, {"nbf": 0}, {"exp": float64(iat.Unix()) + 1.75}, {"exp": 1e300}, {"exp": -1},
		{"email": strings.Repeat("é", r.IntN(1200))},
	}
	header := accessHeader
	if r.IntN(8) == 0 {
		header = refreshHeader
	}
	secret := accessSecret
	if r.IntN(8) == 0 {
		secret = refreshSecret
	}
	return signHS256(t, secret, header, claims.with(odd[r.IntN(len(odd))]))
}

// sameAnswer: what an Issuer remembers never shows in what it answers.
func sameAnswer(t testing.TB, i *token.Issuer, raw string, now time.Time) {
	t.Helper()
	got, gotErr := i.VerifyAccess(raw, now)
	want, wantErr := i.VerifyAccessAnew(raw, now)
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	if got != want || text(gotErr) != text(wantErr) || errors.Is(gotErr, token.ErrExpired) != errors.Is(wantErr, token.ErrExpired) {
		t.Fatalf("%q at %v: %+v, %v; verified anew: %+v, %v", raw, now, got, gotErr, want, wantErr)
	}
}

// The clock goes to and fro, over iat, nbf and exp, to the nanosecond.
func TestWhatIsRememberedNeverShows(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	r := rand.New(rand.NewPCG(7, 11))
	var raws []string
	for range 60 {
		raws = append(raws, signedClaims(t, r))
	}
	for range 400 {
		now := start.Add(time.Duration(r.IntN(80)-40) * time.Minute).Add(time.Duration(r.IntN(3)-1) * time.Nanosecond)
		for _, raw := range spellings(r, raws[r.IntN(len(raws))]) {
			sameAnswer(t, i, raw, now)
			sameAnswer(t, i, raw, now.Add(-time.Hour))
		}
	}
	if n, _ := i.Verified(); n == 0 {
		t.Error("nothing was remembered: nothing was tested")
	}
}

func FuzzVerifyAccessTwice(f *testing.F) {
	i := newIssuer(f)
	genuine := must(f)(i.MintAccess(someAccess()))
	seedTokens(f, genuine, kinds()[0])
	f.Add(`{"alg":"HS256","typ":"at+jwt"}.{"iss":"https://app.example.com","sub":"1","sid":"s","gen":1,"role":"user","exp":1e9,"iat":1,"nbf":9e8}`, int64(-1))
	f.Fuzz(func(t *testing.T, raw string, seconds int64) {
		now := start.Add(time.Duration(seconds%(1<<32)) * time.Second)
		header, claims, _ := strings.Cut(raw, ".")
		for _, raw := range []string{raw, genuine, signRaw(accessSecret, header, claims), signInput(accessSecret, raw)} {
			for _, now := range []time.Time{now, start, now} {
				sameAnswer(t, i, raw, now)
			}
		}
	})
}

// Remembered from its first second on, and again with the clock put back.
func TestARememberedTokenEndsInTime(t *testing.T) {
	t.Parallel()
	i, a := newIssuer(t), someAccess()
	raw := must(t)(i.MintAccess(a))
	verifyAccess(t, i, raw, start)
	for _, after := range []time.Duration{-time.Hour, 0, 14 * time.Minute, 15*time.Minute - 1, 15 * time.Minute, time.Hour, 15*time.Minute - 1, 0} {
		got, err := i.VerifyAccess(raw, start.Add(after))
		if expired := after >= 15*time.Minute; errors.Is(err, token.ErrExpired) != expired || !expired && err != nil {
			t.Errorf("after %v: %v", after, err)
		}
		if got.SessionID != a.SessionID || !got.ExpiresAt.Equal(a.ExpiresAt) {
			t.Errorf("after %v: %+v", after, got)
		}
	}
	if n, _ := i.Verified(); n != 1 {
		t.Errorf("%d are remembered", n)
	}
}

// A stranger cannot fill what only our signature opens.
func TestOnlyGenuineLivingTokensAreRemembered(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	if i.VerifiedTable() {
		t.Error("an Issuer that has verified nothing has a table")
	}
	r := rand.New(rand.NewPCG(1, 2))
	genuine := must(t)(i.MintAccess(someAccess()))
	for range 300 {
		for _, raw := range spellings(r, genuine) {
			if raw != genuine {
				_, _ = i.VerifyAccess(raw, start)
			}
		}
	}
	_, _ = i.VerifyAccess(genuine, start.Add(time.Hour))
	for _, raw := range []string{
		signHS256(t, refreshSecret, accessHeader, accessClaims),
		signHS256(t, accessSecret, refreshHeader, accessClaims),
		signHS256(t, accessSecret, accessHeader, accessClaims.with(object{"role": nil})),
		signHS256(t, accessSecret, accessHeader, accessClaims.with(object{"nbf": start.Unix()})),
		must(t)(i.MintRefresh(someRefresh())),
	} {
		_, _ = i.VerifyAccess(raw, start)
	}
	if n, _ := i.Verified(); n != 0 || i.VerifiedTable() {
		t.Errorf("%d are remembered", n)
	}
	verifyAccess(t, i, genuine, start)
	if n, _ := i.Verified(); n != 1 {
		t.Errorf("of the genuine one %d are remembered", n)
	}
}

// A removed secret ends what it signed, whatever an earlier process knew.
func TestWhatIsRememberedIsAnIssuersOwn(t *testing.T) {
	t.Parallel()
	old := newIssuer(t)
	raw := must(t)(old.MintAccess(someAccess()))
	verifyAccess(t, old, raw, start)
	changed := newIssuer(t, func(c *token.Config) { c.AccessKeys = [][]byte{[]byte("another secret of at least 32 bytes....")} })
	if _, err := changed.VerifyAccess(raw, start); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("error = %v", err)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	a := someAccess()
	kept := func() int { n, _ := i.Verified(); return n }

	// No longer than the cap, and not the header it was cut from.
	a.Email = strings.Repeat("x", token.MaxVerifiedBytes)
	verifyAccess(t, i, must(t)(i.MintAccess(a)), start)
	if kept() != 0 {
		t.Error("a token longer than the cap is remembered")
	}
	a.Email = strings.Repeat("x", 254)
	header := "__Host-access=" + must(t)(i.MintAccess(a)) + strings.Repeat("; theme=dark", 1000)
	raw, _, _ := strings.Cut(strings.TrimPrefix(header, "__Host-access="), ";")
	verifyAccess(t, i, raw, start)
	if kept() != 1 {
		t.Fatal("a token with the longest address is not remembered")
	}
	if i.KeptPointer(raw) == unsafe.StringData(raw) {
		t.Error("what is remembered holds on to the request's header")
	}

	// Twice as many sessions as places: never more than the bound, and those
	// that came last are mostly there.
	raws := manyAccess(t, i, 2*token.MaxVerified)
	full := kept()
	if full > token.MaxVerified || full < token.MaxVerified*9/10 {
		t.Errorf("%d are remembered, the bound is %d", full, token.MaxVerified)
	}
	hits := 0
	for _, raw := range raws[len(raws)-1000:] {
		if i.IsKept(raw) {
			hits++
		}
	}
	if hits < 800 {
		t.Errorf("of the last thousand %d are remembered", hits)
	}

	// Later they are all dead, and a few new ones sweep them out.
	a = someAccess()
	a.IssuedAt, a.ExpiresAt = start.Add(time.Hour), start.Add(75*time.Minute)
	for n := range 300 {
		a.SessionID = "L8" + strconv.Itoa(n)
		verifyAccess(t, i, must(t)(i.MintAccess(a)), start.Add(time.Hour))
	}
	if kept() > 300 {
		t.Errorf("%d are remembered, 300 are alive", kept())
	}
}

func TestTokensAreRememberedConcurrently(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	a := someAccess()
	raws := make([]string, 64)
	for n := range raws {
		a.SessionID = strconv.Itoa(n)
		raws[n] = must(t)(i.MintAccess(a))
	}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			for range 300 {
				n := r.IntN(len(raws))
				if r.IntN(8) == 0 {
					i.ForgetVerified(raws[n])
				}
				got, err := i.VerifyAccess(raws[n], start.Add(time.Duration(r.IntN(20))*time.Minute))
				if got.SessionID != strconv.Itoa(n) || err != nil && !errors.Is(err, token.ErrExpired) {
					t.Errorf("token %d: %+v, %v", n, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkVerifiedMemory is what a remembered token costs.
func BenchmarkVerifiedMemory(b *testing.B) {
	const n = 8192
	base := base64.RawURLEncoding.EncodeToString(make([]byte, 16))
	for b.Loop() {
		i, a := newIssuer(b), someAccess()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for s := range n {
			a.UserID, a.SessionID = base+strconv.Itoa(s), base+strconv.Itoa(s)
			verifyAccess(b, i, must(b)(i.MintAccess(a)), start)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		kept, bytes := i.Verified()
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(kept), "B/token")
		b.ReportMetric(float64(bytes)/float64(kept), "raw-B/token")
		b.ReportMetric(float64(kept)/n, "kept")
		runtime.KeepAlive(i)
	}
}
