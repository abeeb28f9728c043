package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The device cookie that every sign-in sets opened another count each time: 66
// sign-ins at one account from one address in 33 s.
func TestDeviceCookiesDoNotLiftTheSignInLimit(t *testing.T) {
	p := twoInstancesLimited(t)
	owner := p.a.browser()
	owner.do("POST", "/api/auth/register", credentials("ada@example.com"), somewhere()...).want(t, 201)
	owner.do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 200)
	attacker := p.a.browser()
	here := []string{"X-Forwarded-For", "192.0.2.77"}
	done := 0
	for n := range 30 {
		attacker.site = p.each()[n%2]
		a := attacker.do("POST", "/api/auth/login", credentials("ada@example.com"), here...)
		if a.StatusCode == 200 {
			done++
			continue
		}
		a.waits(t)
	}
	if done != 10 {
		t.Errorf("%d sign-ins in a minute at one account from one address, want 10", done)
	}
	owner.do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 200)
}

// Requests with a stale access token made a thousand refreshes a second.
func TestRefreshesOnTheWayAreLimited(t *testing.T) {
	for name, s := range map[string]*site{"embedded": embedded(t).withLimits().start(), "services": onServices(t).withLimits().start()} {
		t.Run(name, func(t *testing.T) {
			s.browser().do("POST", "/api/auth/register", credentials("ada@example.com")).want(t, 201)
			stale := s.signedIn("ada@example.com")
			s.clock.Advance(16 * time.Minute)
			var refused answer
			answered := 0
			for range 20 {
				a, err := s.ask("GET", "/api/auth/me", stale)
				if err != nil {
					t.Fatal(err)
				}
				if refused = a; a.StatusCode != 200 {
					break
				}
				answered++
			}
			if refused.waits(t); answered != 10 || len(refused.Cookies()) != 0 {
				t.Errorf("%d answered, and then cookies %v; want 10 and none", answered, refused.setCookies())
			}
			if name == "embedded" { // forwarded requests, too
				a, err := s.ask("GET", "/api/demo/me", stale)
				if err != nil {
					t.Fatal(err)
				}
				if a.waits(t); len(a.Cookies()) != 0 {
					t.Errorf("cookies %v", a.setCookies())
				}
			}
			s.clock.Advance(time.Second)
			a, err := s.ask("GET", "/api/auth/me", stale)
			if err != nil {
				t.Fatal(err)
			}
			a.want(t, 200) // nobody was signed out
		})
	}
}

// One member wrote 400 rows of the audit trail a second.
func TestChangesOfAnAccountAreLimited(t *testing.T) {
	s := embedded(t).withLimits().start()
	s.browser().do("POST", "/api/auth/register", credentials("ada@example.com")).want(t, 201)
	b := s.again("ada@example.com")
	for n := range 30 {
		b.do("PATCH", "/api/auth/me", object{"name": fmt.Sprint("Ada ", n)}).want(t, 200)
	}
	if wait := b.do("PATCH", "/api/auth/me", object{"name": "Ada"}).waits(t); wait != 2*time.Minute {
		t.Errorf("wait %s", wait)
	}
	b.do("GET", "/api/auth/me", nil).want(t, 200)
}

// A sign-in with thousands of unknown fields was answered with 262 KB.
func TestHostileBodiesAreAnsweredBriefly(t *testing.T) {
	s := embedded(t).start()
	body := object{"email": "a@example.com", "password": "x"}
	for n := range 5000 {
		body[fmt.Sprint("x", n)] = 0
	}
	for _, path := range []string{"/api/auth/login", "/api/auth/register"} {
		a := s.browser().do("POST", path, body).want(t, 422, "validation_failed")
		if len(a.text) > 2048 || strings.Count(a.text, "no such field") != 10 {
			t.Errorf("%s: %d bytes: %.300s", path, len(a.text), a.text)
		}
	}
}
