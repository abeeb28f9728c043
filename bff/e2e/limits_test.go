package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

// withLimits keeps the product's own limits.
func (s *site) withLimits() *site {
	s.limited = true
	return s
}

// wrong tries a wrong password, as from an address that a proxy tells of.
func (s *site) wrong(email string, headers ...string) answer {
	s.t.Helper()
	return s.browser().do("POST", "/api/auth/login", object{"email": email, "password": "not the one"}, headers...)
}

// waits gives the Retry-After of a refusal.
func (a answer) waits(t *testing.T) time.Duration {
	t.Helper()
	a.want(t, 429, "too_many_attempts")
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	return time.Duration(seconds) * time.Second
}

// Headers that anybody can send do not make a client another one.
func TestSignInLimitIsNotSpoofed(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { signInLimitIsNotSpoofed(t, embedded(t).withLimits().start()) })
	t.Run("services", func(t *testing.T) { signInLimitIsNotSpoofed(t, onServices(t).withLimits().start()) })
}

func signInLimitIsNotSpoofed(t *testing.T, s *site) {
	for i := range 10 {
		s.wrong(fmt.Sprintf("u%d@example.com", i), "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i),
			"Forwarded", "for=203.0.113.1", "X-Real-Ip", "203.0.113.1").want(t, 401, "invalid_credentials")
	}
	wait := s.wrong("else@example.com", "X-Forwarded-For", "203.0.113.99").waits(t)
	if wait > 6*time.Second {
		t.Errorf("ten a minute, and the next one in %s", wait)
	}
	s.clock.Advance(wait)
	s.wrong("else@example.com").want(t, 401, "invalid_credentials") // Retry-After is honest
	s.wrong("else@example.com").waits(t)
}

// Behind a proxy that is trusted the address it tells of counts: an IPv6
// client has all addresses of its /64, and its neighbours have others.
func TestSignInLimitBehindATrustedProxy(t *testing.T) {
	s := onServices(t).withLimits().crowd().start()
	for i := range 10 {
		s.wrong(fmt.Sprintf("u%d@example.com", i), "X-Forwarded-For", fmt.Sprintf("2001:db8:1:2::%x", i)).want(t, 401)
	}
	s.wrong("else@example.com", "X-Forwarded-For", "2001:db8:1:2:ffff::1").waits(t)
	s.wrong("else@example.com", "X-Forwarded-For", "198.51.100.1, 2001:db8:1:2::77").waits(t)
	s.wrong("else@example.com", "X-Forwarded-For", "2001:db8:1:3::1").want(t, 401)
	s.wrong("else@example.com", "X-Forwarded-For", "192.0.2.1").want(t, 401)
}

// Guesses at one account are counted together on all instances, in whatever
// spelling, and its owner's own browser is held up by none of them.
func TestDelaysOfAnAccountAreShared(t *testing.T) {
	p := twoInstancesLimited(t)
	owner := p.a.browser()
	owner.do("POST", "/api/auth/register", credentials("ada@example.com"), somewhere()...).want(t, 201)
	owner.do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 200)
	for i, spelling := range []string{"ada@example.com", "ADA@example.com", "Ada@Example.Com", " ada@example.com", "adA@example.com"} {
		p.each()[i%2].wrong(spelling, somewhere()...).want(t, 401, "invalid_credentials")
	}
	for _, at := range p.each() {
		at.wrong("ada@example.com", somewhere()...).waits(t)
		at.wrong("bob@example.com", somewhere()...).want(t, 401, "invalid_credentials")
		// The right password waits too where nobody has signed in before.
		at.browser().do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).waits(t)
		owner.site = at
		owner.do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 200)
	}
}

func twoInstancesLimited(t *testing.T) pair {
	t.Helper()
	a := onServices(t).withLimits().crowd().start()
	return pair{a, a.twin()}
}

// Redis away: counted in memory, so that an outage neither locks anybody out
// nor lets guessing go on.
func TestLimitsWhileRedisIsAway(t *testing.T) {
	s := onServices(t).withLimits().start()
	s.wrong("ada@example.com").want(t, 401)
	s.redis.Stop()
	refused := false
	for range 12 {
		if a := s.wrong("ada@example.com"); a.StatusCode == 429 {
			refused = true
		} else {
			a.want(t, 401, "invalid_credentials")
		}
	}
	if !refused {
		t.Error("twelve guesses in a row were let through")
	}
}

func TestRefreshAndSignUpLimits(t *testing.T) {
	s := embedded(t).withLimits().start()
	for i := range 10 {
		s.browser().do("POST", "/api/auth/register", credentials(fmt.Sprintf("u%d@example.com", i))).want(t, 201)
	}
	s.browser().do("POST", "/api/auth/register", credentials("one-more@example.com")).waits(t)
	b := s.again("u1@example.com")
	for range 60 {
		b.do("POST", "/api/auth/refresh", nil).want(t, 200)
	}
	over := b.do("POST", "/api/auth/refresh", nil)
	if over.waits(t); len(over.Cookies()) != 0 {
		t.Errorf("a limit touches cookies: %v", over.setCookies())
	}
	b.do("GET", "/api/auth/me", nil).want(t, 200)
}
