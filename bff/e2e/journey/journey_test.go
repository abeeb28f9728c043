package journey

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func keysOf(o any) []string { return slices.Sorted(maps.Keys(o.(site.Object))) }

var (
	userFields    = []string{"createdAt", "email", "emailVerified", "id", "name", "role"}
	sessionFields = []string{"absoluteExpiresAt", "accessExpiresAt", "id", "idleExpiresAt", "remember"}
)

func TestJourney(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		b := s.Browser()
		b.Do("GET", "/api/auth/me", nil).Want(t, 401, "not_authenticated")

		registered := b.Do("POST", "/api/auth/register", site.Object{"email": " Ada@Example.com", "password": site.Password, "name": "Ada ✨"}).Want(t, 201)
		user := registered.JSON(t)["user"].(site.Object)
		if diff := cmp.Diff(userFields, keysOf(user)); diff != "" {
			t.Error(diff)
		}
		if user["email"] != "Ada@example.com" || user["name"] != "Ada ✨" || user["role"] != "user" || user["emailVerified"] != false {
			t.Errorf("user = %v", user)
		}
		if len(registered.Cookies()) != 0 {
			t.Error("signing up must not sign in")
		}

		login := b.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 200)
		if diff := cmp.Diff(map[string]bool{"access_token": true, "refresh_token": true, "device": true}, login.SetCookies()); diff != "" {
			t.Error(diff)
		}
		for _, line := range login.Header.Values("Set-Cookie") {
			if !strings.Contains(line, "; HttpOnly; SameSite=Strict") || !strings.Contains(line, "Path=/") || strings.Contains(line, "Domain") ||
				strings.Contains(line, "Max-Age") != strings.HasPrefix(line, "device=") {
				t.Errorf("Set-Cookie: %s", line)
			}
		}
		if diff := cmp.Diff(sessionFields, keysOf(login.JSON(t)["session"])); diff != "" {
			t.Error(diff)
		}
		if login.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control %q", login.Header.Get("Cache-Control"))
		}

		me := b.Do("GET", "/api/auth/me", nil).Want(t, 200)
		if diff := cmp.Diff(login.JSON(t), me.JSON(t)); diff != "" {
			t.Errorf("me and login disagree: %s", diff)
		}

		seen := b.Do("GET", "/api/demo/me", nil, "X-User-Id", "evil", "Authorization", "Bearer evil").Want(t, 200).JSON(t)
		if seen["id"] != user["id"] || seen["role"] != "user" || seen["audience"] != "demo" || seen["email"] != "Ada@example.com" {
			t.Errorf("the API saw %v", seen)
		}

		b.Do("POST", "/api/auth/logout", nil).Want(t, 204)
		b.Do("GET", "/api/auth/me", nil).Want(t, 401, "not_authenticated")
		b.Do("POST", "/api/auth/logout", nil).Want(t, 204)
		mark := b.Cookie("device")
		if mark == "" {
			t.Error("the device mark stays at sign-out")
		}
		b.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 200)
		if b.Cookie("device") != mark {
			t.Error("a known browser keeps its device mark")
		}
	})
}

func TestRemembered(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Browser()
	b.Do("POST", "/api/auth/register", site.Credentials("ada@example.com")).Want(t, 201)
	in := site.Credentials("ada@example.com")
	in["remember"] = true
	for _, line := range b.Do("POST", "/api/auth/login", in).Want(t, 200).Header.Values("Set-Cookie") {
		if !strings.HasPrefix(line, "device=") && !strings.Contains(line, "; Max-Age=2592000;") {
			t.Errorf("remember me is 720 hours: %s", line)
		}
	}
}

// A stale access token is renewed before the body is forwarded: the POST is
// neither lost nor sent twice, and its answer brings the new cookies.
func TestInlineRefreshLosesNoPost(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		b := s.Member("ada@example.com")
		before := b.Cookie("refresh_token")
		s.Clock.Advance(16 * time.Minute)
		posted := b.Do("POST", "/api/demo/notes", site.Object{"text": "written late"}).Want(t, 201)
		if diff := cmp.Diff(map[string]bool{"access_token": true, "refresh_token": true}, posted.SetCookies()); diff != "" {
			t.Error(diff)
		}
		if posted.Header.Get("Cache-Control") != "no-store" || b.Cookie("refresh_token") == before {
			t.Errorf("Cache-Control %q, rotated %v", posted.Header.Get("Cache-Control"), b.Cookie("refresh_token") != before)
		}
		notes := b.Do("GET", "/api/demo/notes", nil).Want(t, 200)
		if n := strings.Count(notes.Text, "written late"); n != 1 || len(notes.Cookies()) != 0 {
			t.Errorf("the note is there %d times; cookies %v", n, notes.SetCookies())
		}
	})
}

func TestRotationOverHTTP(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		b := s.Member("ada@example.com")
		old := b.Cookie("refresh_token")
		first := b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)

		// The answer was lost: the same child again, byte for byte.
		lost := s.Browser()
		lost.PutCookie("refresh_token", old)
		again := lost.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
		if diff := cmp.Diff(first.Header.Values("Set-Cookie"), again.Header.Values("Set-Cookie")); diff != "" {
			t.Error(diff)
		}

		// It has arrived: late traffic is served, without cookies.
		b.Do("GET", "/api/auth/me", nil).Want(t, 200)
		late := s.Browser()
		late.PutCookie("refresh_token", old)
		if a := late.Do("POST", "/api/auth/refresh", nil).Want(t, 200); len(a.Cookies()) != 0 {
			t.Errorf("late traffic got %v", a.SetCookies())
		}

		// A minute later it is a thief.
		s.Clock.Advance(time.Minute)
		thief := s.Browser()
		thief.PutCookie("refresh_token", old)
		caught := thief.Do("POST", "/api/auth/refresh", nil).Want(t, 401, "refresh_reuse")
		if diff := cmp.Diff(map[string]bool{"access_token": false, "refresh_token": false}, caught.SetCookies()); diff != "" {
			t.Error(diff)
		}
		// The victim's unexpired access token is dead too, at once.
		b.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
	})
}

func TestSignOutKillsCopies(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		b := s.Member("ada@example.com")
		access, refresh := b.Cookie("access_token"), b.Cookie("refresh_token")
		b.Do("POST", "/api/auth/logout", nil).Want(t, 204)
		for _, cookies := range []map[string]string{{"access_token": access}, {"refresh_token": refresh}, {"access_token": access, "refresh_token": refresh}} {
			thief := s.Browser()
			for name, value := range cookies {
				thief.PutCookie(name, value)
			}
			a := thief.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
			if diff := cmp.Diff(map[string]bool{"access_token": false, "refresh_token": false}, a.SetCookies()); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestRestartKeepsUsersAndSessions(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *site.Harness{"embedded": site.Embedded, "services": site.OnServices} {
		t.Run(name, func(t *testing.T) {
			s := open(t).Start()
			b := s.Member("ada@example.com")
			b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
			s.Stop()
			s.Start()
			b.Harness = s
			b.Do("GET", "/api/auth/me", nil).Want(t, 200)
			s.Clock.Advance(20 * time.Minute)
			b.Do("GET", "/api/demo/me", nil).Want(t, 200)
			b.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 200)
		})
	}
}

func TestSignedOutStaysSignedOutAfterARestart(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	access := b.Cookie("access_token")
	b.Do("POST", "/api/auth/logout", nil).Want(t, 204)
	s.Stop()
	s.Start()
	thief := s.Browser()
	thief.PutCookie("access_token", access)
	s.Eventually("the revocation to be replayed", func() bool { return thief.Do("GET", "/api/auth/me", nil).StatusCode == 401 })
}

// The app shows how long a session lasts by the difference of the two; with
// Date from another clock it was twenty minutes off.
func TestDateIsByTheClockOfTheSessionsDates(t *testing.T) {
	t.Parallel()
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	s.Clock.Advance(20 * time.Minute)
	for _, answer := range []site.Answer{
		b.Do("GET", "/api/auth/me", nil).Want(t, 200),
		b.Do("POST", "/api/auth/refresh", nil).Want(t, 200),
		b.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 200),
	} {
		date, err := http.ParseTime(answer.Header.Get("Date"))
		if err != nil {
			t.Fatal(err)
		}
		ends, err := time.Parse(time.RFC3339, answer.JSON(t)["session"].(site.Object)["accessExpiresAt"].(string))
		if left := ends.Sub(date); err != nil || left < 14*time.Minute || left > 15*time.Minute+time.Second {
			t.Errorf("the access token ends %v after Date, %v", left, err)
		}
	}
}
