package attack

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// wrongPassword tries a wrong password, as from an address that a proxy tells of.
func wrongPassword(s *site.Harness, email string, headers ...string) site.Answer {
	s.T.Helper()
	return s.Browser().Do("POST", "/api/auth/login", site.Object{"email": email, "password": "not the one"}, headers...)
}

// wantRetryAfter gives the Retry-After of a refusal.
func wantRetryAfter(t *testing.T, a site.Answer) time.Duration {
	t.Helper()
	a.Want(t, 429, "too_many_attempts")
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	return time.Duration(seconds) * time.Second
}

// Headers that anybody can send do not make a client another one.
func TestSignInLimitIsNotSpoofed(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { signInLimitIsNotSpoofed(t, site.Embedded(t).WithLimits().Start()) })
	t.Run("services", func(t *testing.T) { signInLimitIsNotSpoofed(t, site.OnServices(t).WithLimits().Start()) })
}

func signInLimitIsNotSpoofed(t *testing.T, s *site.Harness) {
	for i := range 10 {
		wrongPassword(s, fmt.Sprintf("u%d@example.com", i), "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i),
			"Forwarded", "for=203.0.113.1", "X-Real-Ip", "203.0.113.1").Want(t, 401, "invalid_credentials")
	}
	wait := wantRetryAfter(t, wrongPassword(s, "else@example.com", "X-Forwarded-For", "203.0.113.99"))
	if wait > 6*time.Second {
		t.Errorf("ten a minute, and the next one in %s", wait)
	}
	s.Clock.Advance(wait)
	wrongPassword(s, "else@example.com").Want(t, 401, "invalid_credentials") // Retry-After is honest
	wantRetryAfter(t, wrongPassword(s, "else@example.com"))
}

// Behind a proxy that is trusted the address it tells of counts: an IPv6
// client has all addresses of its /64, and its neighbours have others.
func TestSignInLimitBehindATrustedProxy(t *testing.T) {
	s := site.OnServices(t).WithLimits().TrustLoopback().Start()
	for i := range 10 {
		wrongPassword(s, fmt.Sprintf("u%d@example.com", i), "X-Forwarded-For", fmt.Sprintf("2001:db8:1:2::%x", i)).Want(t, 401)
	}
	wantRetryAfter(t, wrongPassword(s, "else@example.com", "X-Forwarded-For", "2001:db8:1:2:ffff::1"))
	wantRetryAfter(t, wrongPassword(s, "else@example.com", "X-Forwarded-For", "198.51.100.1, 2001:db8:1:2::77"))
	wrongPassword(s, "else@example.com", "X-Forwarded-For", "2001:db8:1:3::1").Want(t, 401)
	wrongPassword(s, "else@example.com", "X-Forwarded-For", "192.0.2.1").Want(t, 401)
}

// Guesses at one account are counted together on all instances, in whatever
// spelling, and its owner's own browser is held up by none of them.
func TestDelaysOfAnAccountAreShared(t *testing.T) {
	p := twoInstancesLimited(t)
	owner := p.A.Browser()
	owner.Do("POST", "/api/auth/register", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 201)
	owner.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 200)
	for i, spelling := range []string{"ada@example.com", "ADA@example.com", "Ada@Example.Com", " ada@example.com", "adA@example.com"} {
		wrongPassword(p.Each()[i%2], spelling, site.ForwardedFor()...).Want(t, 401, "invalid_credentials")
	}
	for _, at := range p.Each() {
		wantRetryAfter(t, wrongPassword(at, "ada@example.com", site.ForwardedFor()...))
		wrongPassword(at, "bob@example.com", site.ForwardedFor()...).Want(t, 401, "invalid_credentials")
		// The right password waits too where nobody has signed in before.
		wantRetryAfter(t, at.Browser().Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...))
		owner.Harness = at
		owner.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 200)
	}
}

func twoInstancesLimited(t *testing.T) site.Pair {
	t.Helper()
	a := site.OnServices(t).WithLimits().TrustLoopback().Start()
	return site.Pair{A: a, B: a.Twin()}
}

// Redis away: counted in memory, so that an outage neither locks anybody out
// nor lets guessing go on.
func TestLimitsWhileRedisIsAway(t *testing.T) {
	s := site.OnServices(t).WithLimits().Start()
	wrongPassword(s, "ada@example.com").Want(t, 401)
	s.Redis.Stop()
	refused := false
	for range 12 {
		if a := wrongPassword(s, "ada@example.com"); a.StatusCode == 429 {
			refused = true
		} else {
			a.Want(t, 401, "invalid_credentials")
		}
	}
	if !refused {
		t.Error("twelve guesses in a row were let through")
	}
}

func TestRefreshAndSignUpLimits(t *testing.T) {
	s := site.Embedded(t).WithLimits().Start()
	for i := range 10 {
		s.Browser().Do("POST", "/api/auth/register", site.Credentials(fmt.Sprintf("u%d@example.com", i))).Want(t, 201)
	}
	wantRetryAfter(t, s.Browser().Do("POST", "/api/auth/register", site.Credentials("one-more@example.com")))
	b := s.SignIn("u1@example.com")
	for range 60 {
		b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
	}
	over := b.Do("POST", "/api/auth/refresh", nil)
	if wantRetryAfter(t, over); len(over.Cookies()) != 0 {
		t.Errorf("a limit touches cookies: %v", over.SetCookies())
	}
	b.Do("GET", "/api/auth/me", nil).Want(t, 200)
}
