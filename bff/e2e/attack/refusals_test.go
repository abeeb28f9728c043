package attack

import (
	"bufio"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestBadInputIsAProblemNeverA500(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		b := s.Browser()
		b.Do("POST", "/api/auth/register", site.Credentials("ada@example.com")).Want(t, 201)
		for _, tt := range []struct {
			name, path string
			body       any
			status     int
			code       string
			fields     []string
		}{
			{"taken", "/api/auth/register", site.Credentials("ADA@example.com"), 409, "email_taken", nil},
			{"everything wrong", "/api/auth/register", site.Object{"email": "x", "password": "y", "name": "\x01"}, 422, "validation_failed", []string{"email", "name", "password"}},
			{"role in the body", "/api/auth/register", site.Object{"email": "b@example.com", "password": site.Password, "role": "admin"}, 422, "validation_failed", []string{"role"}},
			{"nothing", "/api/auth/register", site.Object{}, 422, "validation_failed", []string{"email", "password"}},
			{"null", "/api/auth/login", site.Object{"email": nil, "password": nil}, 422, "validation_failed", []string{"email", "password"}},
			{"objects", "/api/auth/login", site.Object{"email": site.Object{"$gt": ""}, "password": site.Object{"$gt": ""}}, 422, "validation_failed", []string{"email", "password"}},
			{"SQL", "/api/auth/login", site.Object{"email": "ada@example.com' OR '1'='1", "password": "x"}, 422, "validation_failed", []string{"email"}},
			{"wrong password", "/api/auth/login", site.Object{"email": "ada@example.com", "password": "' OR '1'='1"}, 401, "invalid_credentials", nil},
			{"unknown email", "/api/auth/login", site.Credentials("eve@example.com"), 401, "invalid_credentials", nil},
			{"list", "/api/auth/login", []string{"a"}, 400, "malformed_json", nil},
		} {
			a := b.Do("POST", tt.path, tt.body).Want(t, tt.status, tt.code)
			errs, _ := a.JSON(t)["errors"].(site.Object)
			for _, f := range tt.fields {
				if errs[f] == nil {
					t.Errorf("%s: no message for %s in %s", tt.name, f, a.Text)
				}
			}
			if len(errs) != len(tt.fields) || len(a.Cookies()) != 0 {
				t.Errorf("%s: errors %v, cookies %v", tt.name, errs, a.SetCookies())
			}
		}
		b.Do("POST", "/api/auth/login", site.Credentials("b@example.com")).Want(t, 401, "invalid_credentials") // nobody was half made
	})
}

func TestRoutingRefusals(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	for _, tt := range []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{"GET", "/api/nowhere", 404, "not_found", ""},
		{"GET", "/api", 404, "not_found", ""},
		{"GET", "/api/", 404, "not_found", ""},
		{"GET", "/api/auth/nowhere", 404, "not_found", ""},
		{"GET", "/api/demos/me", 404, "not_found", ""},
		{"GET", "/api/demo/nowhere", 404, "", ""},
		{"GET", "/api/auth/login", 405, "method_not_allowed", "POST"},
		{"OPTIONS", "/api/auth/login", 405, "method_not_allowed", "POST"},
		{"PUT", "/api/auth/me", 405, "method_not_allowed", "GET, HEAD, PATCH, DELETE"},
		{"TRACE", "/api/demo/me", 405, "method_not_allowed", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"PROPFIND", "/", 405, "method_not_allowed", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"GET", "/api/%61uth/me", 400, "bad_path", ""},
		{"GET", "/api//auth/me", 400, "bad_path", ""},
		{"GET", "/api/demo/%2e%2e/auth/me", 400, "bad_path", ""},
		{"GET", "/api/demo%2Fme", 400, "bad_path", ""},
		{"GET", "/%5cevil", 400, "bad_path", ""},
		{"GET", "/api%2Fauth/me", 400, "bad_path", ""},
		{"GET", "/API%2fdemo/me", 400, "bad_path", ""},
		{"GET", "/api;x/auth/me", 400, "bad_path", ""},
		{"GET", "/apis", 404, "", ""},
	} {
		a := b.Do(tt.method, tt.path, nil).Want(t, tt.status)
		if tt.code != "" {
			a.Want(t, tt.status, tt.code)
		}
		if a.Header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: Allow %q, want %q", tt.method, tt.path, a.Header.Get("Allow"), tt.allow)
		}
		if strings.Contains(a.Text, "<html") || a.Header.Get("Location") != "" {
			t.Errorf("%s %s: a page or a redirect", tt.method, tt.path)
		}
	}
}

func TestRequestsFromOtherSitesAreRefused(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	for _, tt := range [][2]string{
		{"POST", "/api/auth/login"}, {"POST", "/api/auth/register"}, {"POST", "/api/auth/refresh"}, {"POST", "/api/auth/logout"},
		{"GET", "/api/auth/me"}, {"GET", "/api/demo/me"}, {"GET", "/api/demo/clock"}, {"GET", "/api/demo/echo"}, {"GET", "/api/nowhere"},
	} {
		for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "null"}} {
			a := b.Do(tt[0], tt[1], nil, header[0], header[1]).Want(t, 403, "cross_site_request")
			if !strings.Contains(a.JSON(t)["detail"].(string), s.Env["PUBLIC_URL"]) || len(a.Cookies()) != 0 {
				t.Errorf("%s: %s, cookies %v", tt[1], a.Text, a.SetCookies())
			}
		}
	}
	b.Do("GET", "/api/demo/me", nil, "Origin", s.Env["PUBLIC_URL"], "Sec-Fetch-Site", "same-origin").Want(t, 200)
	b.Do("GET", "/", nil, "Sec-Fetch-Site", "cross-site").Want(t, 200) // links may lead here
}

func TestCookiesThatComeTwice(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	access, refresh := b.Cookie("access_token"), b.Cookie("refresh_token")
	raw := &site.Browser{Harness: s, Client: &http.Client{}}

	a := raw.Do("GET", "/api/auth/me", nil, "Cookie", "access_token="+access+"; access_token=planted; refresh_token="+refresh).Want(t, 200)
	if c := a.SetCookies(); !c["access_token"] || !c["refresh_token"] {
		t.Errorf("the good cookie of the other name counts: %v", c)
	}
	a = raw.Do("GET", "/api/auth/me", nil, "Cookie", "access_token="+access+"; access_token="+access+"; refresh_token=x; refresh_token=y").Want(t, 401, "not_authenticated")
	if c := a.SetCookies(); len(c) != 2 || c["access_token"] || c["refresh_token"] {
		t.Errorf("both are cleared: %v", c)
	}
	a = raw.Do("GET", "/api/auth/me", nil, "Cookie", "access_token=x; refresh_token=y").Want(t, 401, "not_authenticated")
	if len(a.SetCookies()) != 2 {
		t.Errorf("unreadable cookies are cleared: %v", a.SetCookies())
	}
	a = raw.Do("GET", "/api/auth/me", nil, "Cookie", "refresh_token=x; refresh_token=y; access_token="+b.Cookie("access_token")).Want(t, 200)
	if c := a.SetCookies(); len(c) != 1 || c["refresh_token"] {
		t.Errorf("a good access token counts, the doubled one is cleared: %v", c)
	}
	raw.Do("GET", "/api/auth/me", nil, "Cookie", "refresh_token="+refresh+"; access_token=garbage").Want(t, 200)
}

// sendRaw sends bytes as they are and reads the status line.
func sendRaw(s *site.Harness, request string) string {
	s.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	if err != nil {
		s.T.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		s.T.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestOddRequestTargets(t *testing.T) {
	s := site.Embedded(t).Start()
	for _, target := range []string{"http://evil.example/api/auth/me", "*", "/api/demo/\\me", "/api/demo/%00", "/api/demo/..;x/me", "/a%zz"} {
		if got := sendRaw(s, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400") {
			t.Errorf("%s: %s", target, got)
		}
	}
}

// everythingUnder is what all files of a path hold.
func everythingUnder(t *testing.T, path string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Dir(path), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(name, path) { // with -wal and -shm
			return err
		}
		text, err := os.ReadFile(name)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestNothingSecretIsLoggedOrStored(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	b.Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": "canary-wrong-password"}).Want(t, 401)
	b.Do("PUT", "/api/auth/password", site.Object{"currentPassword": site.Password, "newPassword": "canary, and a new password"}).Want(t, 204)
	b.Do("GET", "/api/demo/me?secret=canary-query", nil, "X-Request-Id", "canary\"id", "User-Agent", "canary-agent").Want(t, 200)
	b.Do("GET", "/nowhere/canary-path", nil)
	sendRaw(s, "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 25\r\nConnection: close\r\n\r\n"+
		`{"canary1":1,"canary1":2}`)
	b.Do("GET", "/api/auth/me", nil, "Cookie", "access_token=eyJhbGciOiJIUzI1NiIsInR5cCI6ImNhbmFyeSJ9.e30.AAAA")
	access, refresh := b.Cookie("access_token"), b.Cookie("refresh_token")
	b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
	b.Do("POST", "/api/auth/logout", nil).Want(t, 204)
	s.Stop()
	logs := s.Logs.String()
	stored := everythingUnder(t, filepath.Join(s.Env["DATA_DIR"], "gatehouse.db")) + everythingUnder(t, filepath.Join(s.Env["DATA_DIR"], "sessions"))
	if !strings.Contains(stored, "ada@example.com") {
		t.Error("the database was looked for in the wrong place")
	}
	for _, secret := range []string{site.Password, "canary", "canary-wrong-password", "canary, and a new password", access, refresh, strings.Split(access, ".")[2], b.Cookie("device")} {
		if secret != "" && strings.Contains(logs, secret) {
			t.Errorf("the log holds %q", secret)
		}
		// A user agent is kept for the owner to see.
		if secret != "" && secret != "canary" && strings.Contains(stored, secret) {
			t.Errorf("the database or the sessions hold %q", secret)
		}
	}
	if !strings.Contains(logs, `"route":"/api/demo"`) || !strings.Contains(logs, `"route":"/api/auth/login"`) {
		t.Errorf("no line for a request:\n%s", logs)
	}
}
