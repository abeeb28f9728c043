package attack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// The device cookie that every sign-in sets opened another count each time: 66
// sign-ins at one account from one address in 33 s.
func TestDeviceCookiesDoNotLiftTheSignInLimit(t *testing.T) {
	p := twoInstancesLimited(t)
	owner := p.A.Browser()
	owner.Do("POST", "/api/auth/register", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 201)
	owner.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 200)
	attacker := p.A.Browser()
	here := []string{"X-Forwarded-For", "192.0.2.77"}
	done := 0
	for n := range 30 {
		attacker.Harness = p.Each()[n%2]
		a := attacker.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), here...)
		if a.StatusCode == 200 {
			done++
			continue
		}
		wantRetryAfter(t, a)
	}
	if done != 10 {
		t.Errorf("%d sign-ins in a minute at one account from one address, want 10", done)
	}
	owner.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 200)
}

// Requests with a stale access token made a thousand refreshes a second.
func TestRefreshesOnTheWayAreLimited(t *testing.T) {
	for name, s := range map[string]*site.Harness{"embedded": site.Embedded(t).WithLimits().Start(), "services": site.OnServices(t).WithLimits().Start()} {
		t.Run(name, func(t *testing.T) {
			s.Browser().Do("POST", "/api/auth/register", site.Credentials("ada@example.com")).Want(t, 201)
			stale := s.SignInTokens("ada@example.com")
			s.Clock.Advance(16 * time.Minute)
			var refused site.Answer
			answered := 0
			for range 20 {
				a, err := s.Send("GET", "/api/auth/me", stale)
				if err != nil {
					t.Fatal(err)
				}
				if refused = a; a.StatusCode != 200 {
					break
				}
				answered++
			}
			if wantRetryAfter(t, refused); answered != 10 || len(refused.Cookies()) != 0 {
				t.Errorf("%d answered, and then cookies %v; want 10 and none", answered, refused.SetCookies())
			}
			if name == "embedded" { // forwarded requests, too
				a, err := s.Send("GET", "/api/demo/me", stale)
				if err != nil {
					t.Fatal(err)
				}
				if wantRetryAfter(t, a); len(a.Cookies()) != 0 {
					t.Errorf("cookies %v", a.SetCookies())
				}
			}
			s.Clock.Advance(time.Second)
			a, err := s.Send("GET", "/api/auth/me", stale)
			if err != nil {
				t.Fatal(err)
			}
			a.Want(t, 200) // nobody was signed out
		})
	}
}

// One member wrote 400 rows of the audit trail a second.
func TestChangesOfAnAccountAreLimited(t *testing.T) {
	s := site.Embedded(t).WithLimits().Start()
	s.Browser().Do("POST", "/api/auth/register", site.Credentials("ada@example.com")).Want(t, 201)
	b := s.SignIn("ada@example.com")
	for n := range 30 {
		b.Do("PATCH", "/api/auth/me", site.Object{"name": fmt.Sprint("Ada ", n)}).Want(t, 200)
	}
	if wait := wantRetryAfter(t, b.Do("PATCH", "/api/auth/me", site.Object{"name": "Ada"})); wait != 2*time.Minute {
		t.Errorf("wait %s", wait)
	}
	b.Do("GET", "/api/auth/me", nil).Want(t, 200)
}

// A sign-in with thousands of unknown fields was answered with 262 KB.
func TestHostileBodiesAreAnsweredBriefly(t *testing.T) {
	s := site.Embedded(t).Start()
	body := site.Object{"email": "a@example.com", "password": "x"}
	for n := range 5000 {
		body[fmt.Sprint("x", n)] = 0
	}
	for _, path := range []string{"/api/auth/login", "/api/auth/register"} {
		a := s.Browser().Do("POST", path, body).Want(t, 422, "validation_failed")
		if len(a.Text) > 2048 || strings.Count(a.Text, "no such field") != 10 {
			t.Errorf("%s: %d bytes: %.300s", path, len(a.Text), a.Text)
		}
	}
}
