package e2e

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func keysOf(o any) []string { return slices.Sorted(maps.Keys(o.(object))) }

var (
	userFields    = []string{"createdAt", "email", "emailVerified", "id", "name", "role"}
	sessionFields = []string{"absoluteExpiresAt", "accessExpiresAt", "id", "idleExpiresAt", "remember"}
)

func TestJourney(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.browser()
		b.do("GET", "/api/auth/me", nil).want(t, 401, "not_authenticated")

		registered := b.do("POST", "/api/auth/register", object{"email": " Ada@Example.com", "password": goodPassword, "name": "Ada ✨"}).want(t, 201)
		user := registered.json(t)["user"].(object)
		if diff := cmp.Diff(userFields, keysOf(user)); diff != "" {
			t.Error(diff)
		}
		if user["email"] != "Ada@example.com" || user["name"] != "Ada ✨" || user["role"] != "user" || user["emailVerified"] != false {
			t.Errorf("user = %v", user)
		}
		if len(registered.Cookies()) != 0 {
			t.Error("signing up must not sign in")
		}

		login := b.do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 200)
		if diff := cmp.Diff(map[string]bool{"access_token": true, "refresh_token": true, "device": true}, login.setCookies()); diff != "" {
			t.Error(diff)
		}
		for _, line := range login.Header.Values("Set-Cookie") {
			if !strings.Contains(line, "; HttpOnly; SameSite=Strict") || !strings.Contains(line, "Path=/") || strings.Contains(line, "Domain") ||
				strings.Contains(line, "Max-Age") != strings.HasPrefix(line, "device=") {
				t.Errorf("Set-Cookie: %s", line)
			}
		}
		if diff := cmp.Diff(sessionFields, keysOf(login.json(t)["session"])); diff != "" {
			t.Error(diff)
		}
		if login.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control %q", login.Header.Get("Cache-Control"))
		}

		me := b.do("GET", "/api/auth/me", nil).want(t, 200)
		if diff := cmp.Diff(login.json(t), me.json(t)); diff != "" {
			t.Errorf("me and login disagree: %s", diff)
		}

		seen := b.do("GET", "/api/demo/me", nil, "X-User-Id", "evil", "Authorization", "Bearer evil").want(t, 200).json(t)
		if seen["id"] != user["id"] || seen["role"] != "user" || seen["audience"] != "demo" || seen["email"] != "Ada@example.com" {
			t.Errorf("the API saw %v", seen)
		}

		b.do("POST", "/api/auth/logout", nil).want(t, 204)
		b.do("GET", "/api/auth/me", nil).want(t, 401, "not_authenticated")
		b.do("POST", "/api/auth/logout", nil).want(t, 204)
		mark := b.cookie("device")
		if mark == "" {
			t.Error("the device mark stays at sign-out")
		}
		b.do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 200)
		if b.cookie("device") != mark {
			t.Error("a known browser keeps its device mark")
		}
	})
}

func TestRemembered(t *testing.T) {
	s := embedded(t).start()
	b := s.browser()
	b.do("POST", "/api/auth/register", credentials("ada@example.com")).want(t, 201)
	in := credentials("ada@example.com")
	in["remember"] = true
	for _, line := range b.do("POST", "/api/auth/login", in).want(t, 200).Header.Values("Set-Cookie") {
		if !strings.HasPrefix(line, "device=") && !strings.Contains(line, "; Max-Age=2592000;") {
			t.Errorf("remember me is 720 hours: %s", line)
		}
	}
}

// A stale access token is renewed before the body is forwarded: the POST is
// neither lost nor sent twice, and its answer brings the new cookies.
func TestInlineRefreshLosesNoPost(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.member("ada@example.com")
		before := b.cookie("refresh_token")
		s.clock.Advance(16 * time.Minute)
		posted := b.do("POST", "/api/demo/notes", object{"text": "written late"}).want(t, 201)
		if diff := cmp.Diff(map[string]bool{"access_token": true, "refresh_token": true}, posted.setCookies()); diff != "" {
			t.Error(diff)
		}
		if posted.Header.Get("Cache-Control") != "no-store" || b.cookie("refresh_token") == before {
			t.Errorf("Cache-Control %q, rotated %v", posted.Header.Get("Cache-Control"), b.cookie("refresh_token") != before)
		}
		notes := b.do("GET", "/api/demo/notes", nil).want(t, 200)
		if n := strings.Count(notes.text, "written late"); n != 1 || len(notes.Cookies()) != 0 {
			t.Errorf("the note is there %d times; cookies %v", n, notes.setCookies())
		}
	})
}

func TestRotationOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.member("ada@example.com")
		old := b.cookie("refresh_token")
		first := b.do("POST", "/api/auth/refresh", nil).want(t, 200)

		// The answer was lost: the same child again, byte for byte.
		lost := s.browser()
		lost.put("refresh_token", old)
		again := lost.do("POST", "/api/auth/refresh", nil).want(t, 200)
		if diff := cmp.Diff(first.Header.Values("Set-Cookie"), again.Header.Values("Set-Cookie")); diff != "" {
			t.Error(diff)
		}

		// It has arrived: late traffic is served, without cookies.
		b.do("GET", "/api/auth/me", nil).want(t, 200)
		late := s.browser()
		late.put("refresh_token", old)
		if a := late.do("POST", "/api/auth/refresh", nil).want(t, 200); len(a.Cookies()) != 0 {
			t.Errorf("late traffic got %v", a.setCookies())
		}

		// A minute later it is a thief.
		s.clock.Advance(time.Minute)
		thief := s.browser()
		thief.put("refresh_token", old)
		caught := thief.do("POST", "/api/auth/refresh", nil).want(t, 401, "refresh_reuse")
		if diff := cmp.Diff(map[string]bool{"access_token": false, "refresh_token": false}, caught.setCookies()); diff != "" {
			t.Error(diff)
		}
		// The victim's unexpired access token is dead too, at once.
		b.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
	})
}

func TestSignOutKillsCopies(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.member("ada@example.com")
		access, refresh := b.cookie("access_token"), b.cookie("refresh_token")
		b.do("POST", "/api/auth/logout", nil).want(t, 204)
		for _, cookies := range []map[string]string{{"access_token": access}, {"refresh_token": refresh}, {"access_token": access, "refresh_token": refresh}} {
			thief := s.browser()
			for name, value := range cookies {
				thief.put(name, value)
			}
			a := thief.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
			if diff := cmp.Diff(map[string]bool{"access_token": false, "refresh_token": false}, a.setCookies()); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestRestartKeepsUsersAndSessions(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *site{"embedded": embedded, "services": onServices} {
		t.Run(name, func(t *testing.T) {
			s := open(t).start()
			b := s.member("ada@example.com")
			b.do("POST", "/api/auth/refresh", nil).want(t, 200)
			s.stop()
			s.start()
			b.site = s
			b.do("GET", "/api/auth/me", nil).want(t, 200)
			s.clock.Advance(20 * time.Minute)
			b.do("GET", "/api/demo/me", nil).want(t, 200)
			b.do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 200)
		})
	}
}

func TestSignedOutStaysSignedOutAfterARestart(t *testing.T) {
	s := embedded(t).start()
	b := s.member("ada@example.com")
	access := b.cookie("access_token")
	b.do("POST", "/api/auth/logout", nil).want(t, 204)
	s.stop()
	s.start()
	thief := s.browser()
	thief.put("access_token", access)
	s.eventually("the revocation to be replayed", func() bool { return thief.do("GET", "/api/auth/me", nil).StatusCode == 401 })
}

// The app shows how long a session lasts by the difference of the two; with
// Date from another clock it was twenty minutes off.
func TestDateIsByTheClockOfTheSessionsDates(t *testing.T) {
	t.Parallel()
	s := embedded(t).start()
	b := s.member("ada@example.com")
	s.clock.Advance(20 * time.Minute)
	for _, answer := range []answer{
		b.do("GET", "/api/auth/me", nil).want(t, 200),
		b.do("POST", "/api/auth/refresh", nil).want(t, 200),
		b.do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 200),
	} {
		date, err := http.ParseTime(answer.Header.Get("Date"))
		if err != nil {
			t.Fatal(err)
		}
		ends, err := time.Parse(time.RFC3339, answer.json(t)["session"].(object)["accessExpiresAt"].(string))
		if left := ends.Sub(date); err != nil || left < 14*time.Minute || left > 15*time.Minute+time.Second {
			t.Errorf("the access token ends %v after Date, %v", left, err)
		}
	}
}
