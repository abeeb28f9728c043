package e2e

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// exported is what `gatehouse audit export` prints beside the server.
func (s *site) exported() string {
	s.t.Helper()
	conf, err := config.Load(func(name string) string { return s.env[name] })
	if err != nil {
		s.t.Fatal(err)
	}
	var out bytes.Buffer
	o := app.Options{Config: conf, Log: slog.New(slog.DiscardHandler), Now: s.clock.Now}
	if err := app.ExportAudit(s.t.Context(), o, app.Period{To: s.clock.Now().Add(time.Hour)}, &out); err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}

// atTheRealTime is for what compares its clock with the database's.
func (s *site) atTheRealTime() *site {
	s.clock.Set(time.Now())
	return s
}

// The audit trail grew for ever, and nobody could read it but page by page.
func TestAuditTrailIsShortenedByTheServer(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *site{"embedded": embedded, "services": onServices} {
		t.Run(name, func(t *testing.T) {
			// Events are kept for ten seconds, so the server looks every second.
			s := make(t).atTheRealTime().start("AUDIT_RETENTION", "10s")
			s.somebody("ada@example.com")
			s.eventually("the sign-in is in the trail", func() bool { return strings.Contains(s.exported(), `"type":"login_succeeded"`) })
			s.clock.Advance(11 * time.Second)
			s.eventually("it is gone", func() bool { return s.exported() == "" })
		})
	}
}

// A server, or an operator's machine, whose clock is a year ahead made the whole
// trail look old.
func TestAuditTrailStaysWhenTheClockIsWrong(t *testing.T) {
	s := onServices(t).atTheRealTime().start("AUDIT_RETENTION", "10s")
	s.somebody("ada@example.com")
	s.eventually("the sign-in is in the trail", func() bool { return strings.Contains(s.exported(), `"type":"login_succeeded"`) })
	s.clock.Advance(365 * 24 * time.Hour)
	s.eventually("the log says so", func() bool {
		return strings.Contains(s.logs.String(), "the clocks of this machine and of the database differ")
	})
	if lines := s.exported(); !strings.Contains(lines, `"type":"login_succeeded"`) {
		t.Errorf("what is left:\n%s", lines)
	}
	conf, err := config.Load(func(name string) string { return s.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = app.PruneAudit(t.Context(), app.Options{Config: conf, Log: slog.New(slog.DiscardHandler), Now: s.clock.Now}, 10*time.Second, &out)
	if err == nil || !strings.Contains(err.Error(), "set the one that is wrong") || out.Len() > 0 {
		t.Errorf("prune by hand: %q, %v", out.String(), err)
	}
}

// What a deleted account leaves: what was done, and not from where.
func TestAuditTrailForgetsWhereADeletedAccountWas(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *site{"embedded": embedded, "services": onServices} {
		t.Run(name, func(t *testing.T) {
			// The retention is there for the server to look every second.
			s := make(t).atTheRealTime().start("AUDIT_REDACT_DELETED", "on", "AUDIT_RETENTION", "10s")
			s.somebody("bob@example.com")
			b := s.browser()
			b.do("POST", "/api/auth/register", credentials("ada@example.com"), somewhere()...).want(t, 201)
			b.do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 200)
			b.do("DELETE", "/api/auth/me", map[string]string{"password": goodPassword}).want(t, 204)
			var lines string
			s.eventually("address and browser are gone", func() bool {
				lines = s.exported()
				for line := range strings.Lines(lines) {
					_, id, _ := strings.Cut(lineWith(lines, `"type":"account_deleted"`), `"userId":"`)
					id, _, _ = strings.Cut(id, `"`)
					if id == "" || strings.Contains(line, `"userId":"`+id) && !strings.Contains(line, `"ip":"","userAgent":""`) {
						return false
					}
				}
				return true
			})
			if n := strings.Count(lines, "\n") - strings.Count(lines, `"ip":""`); n < 2 {
				t.Errorf("%d events have an address, want the other account's registration and sign-in:\n%s", n, lines)
			}
		})
	}
}

// What an administrator did to others kept the address of one who was deleted.
func TestAuditTrailForgetsWhereADeletedAdministratorWas(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *site{"embedded": embedded, "services": onServices} {
		t.Run(name, func(t *testing.T) {
			s := make(t).atTheRealTime().start("AUDIT_REDACT_DELETED", "on", "AUDIT_RETENTION", "10s")
			ada, boss := s.member("ada@example.com"), s.boss()
			s.desk().creates("chief@example.com", "admin")
			her := ada.userID()
			boss.do("PATCH", "/api/admin/users/"+her, object{"active": false}).want(t, 200)
			id := boss.userID()
			if line := lineWith(s.exported(), `"type":"user_disabled"`); !strings.Contains(line, `"actorId":"`+id) || strings.Contains(line, `"ip":""`) {
				t.Fatalf("the act is told without an address: %s", line)
			}
			boss.do("DELETE", "/api/auth/me", map[string]string{"password": goodPassword}).want(t, 204)
			s.eventually("address and browser are gone", func() bool {
				return strings.Contains(lineWith(s.exported(), `"type":"user_disabled"`), `"ip":"","userAgent":""`)
			})
			if line := lineWith(s.exported(), `"type":"login_succeeded","userId":"`+her); line == "" || strings.Contains(line, `"ip":""`) {
				t.Errorf("and those of an account that is there: %s", line)
			}
		})
	}
}

func lineWith(lines, part string) string {
	for line := range strings.Lines(lines) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
