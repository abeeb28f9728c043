package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// An outage is when errors of libraries, with what they were asked, get into
// the log: they must name nobody and hold nothing of a token.
func TestLogAndMetricsOfOutagesNameNobody(t *testing.T) {
	t.Parallel()
	s, maria := onServices(t), servertest.OwnMariaDB(t)
	s.env["MYSQL_DSN"] = maria.Database() + "?readTimeout=1s"
	s.start()
	b := s.member("ada@example.com")
	access, refresh := b.cookie("access_token"), b.cookie("refresh_token")
	maria.Stop()
	b.do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 503, "database_unavailable")
	b.do("POST", "/api/auth/register", credentials("eve@example.com")).want(t, 503, "database_unavailable")
	b.do("PATCH", "/api/auth/me", object{"name": "Ada Canary"}).want(t, 503)
	s.redis.Stop()
	s.clock.Advance(20 * time.Minute)
	b.do("GET", "/api/demo/me?x=canary", nil).want(t, 503, "session_store_unavailable")
	b.do("POST", "/api/auth/logout", nil).want(t, 503, "session_store_unavailable")
	all := s.scrape()
	if all[`gatehouse_store_errors_total{operation="user by email",store="mysql"}`] != 2 {
		t.Errorf("two questions to the database failed: %v", all)
	}
	s.redis.Start()
	maria.Start()
	s.eventually("everything to be back", func() bool { return b.ready().StatusCode == http.StatusOK })
	s.stop()

	logs, refused := s.logs.String(), 0
	for line := range strings.Lines(logs) {
		var entry object
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
		"an email": "ada@", "another": "eve@", "a password": goodPassword, "a name": "Canary", "a query": "canary", "access": access, "refresh": refresh,
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
