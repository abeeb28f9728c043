package operator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// An outage is when errors of libraries, with what they were asked, get into
// the log: they must name nobody and hold nothing of a token.
func TestLogAndMetricsOfOutagesHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	s, maria := site.OnServices(t), servertest.OwnMariaDB(t)
	s.Env["MYSQL_DSN"] = maria.Database() + "?readTimeout=1s"
	s.Start()
	b := s.Member("ada@example.com")
	access, refresh := b.Cookie("access_token"), b.Cookie("refresh_token")
	maria.Stop()
	b.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 503, "database_unavailable")
	b.Do("POST", "/api/auth/register", site.Credentials("eve@example.com")).Want(t, 503, "database_unavailable")
	b.Do("PATCH", "/api/auth/me", site.Object{"name": "Ada Canary"}).Want(t, 503)
	s.Redis.Stop()
	s.Clock.Advance(20 * time.Minute)
	b.Do("GET", "/api/demo/me?x=canary", nil).Want(t, 503, "session_store_unavailable")
	b.Do("POST", "/api/auth/logout", nil).Want(t, 503, "session_store_unavailable")
	all := s.Scrape()
	if all[`gatehouse_store_errors_total{operation="user by email",store="mysql"}`] != 2 {
		t.Errorf("two questions to the database failed: %v", all)
	}
	s.Redis.Start()
	maria.Start()
	s.Eventually("everything to be back", func() bool { return b.Readyz().StatusCode == http.StatusOK })
	s.Stop()

	logs, refused := s.Logs.String(), 0
	for line := range strings.Lines(logs) {
		var entry site.Object
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if entry["msg"] == "request" && entry["status"] == 503.0 {
			refused++
			for _, field := range []string{"method", "route", "ms", "request", "ip", "error"} {
				if entry[field] == nil || entry[field] == "" {
					t.Errorf("no %s in %s", field, line)
				}
			}
			if entry["level"] != "ERROR" {
				t.Errorf("an operator does not find %s", line)
			}
		}
	}
	if refused < 5 {
		t.Errorf("%d lines of requests that failed", refused)
	}
	for what, secret := range map[string]string{
		"an email": "ada@", "another": "eve@", "a password": site.Password, "a name": "Canary", "a query": "canary", "access": access, "refresh": refresh,
		"a signature": refresh[strings.LastIndexByte(refresh, '.')+1:], "the DSN": maria.Database(),
	} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log holds %s", what)
		}
		for name := range all {
			if strings.Contains(name, secret) {
				t.Errorf("a metric holds %s: %s", what, name)
			}
		}
	}
}
