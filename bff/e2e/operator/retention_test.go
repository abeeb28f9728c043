package operator

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// exportedAudit is what `gatehouse audit export` prints beside the server.
func exportedAudit(s *site.Harness) string {
	s.T.Helper()
	conf, err := config.Load(func(name string) string { return s.Env[name] })
	if err != nil {
		s.T.Fatal(err)
	}
	var out bytes.Buffer
	o := app.Options{Config: conf, Log: slog.New(slog.DiscardHandler), Now: s.Clock.Now}
	if err := app.ExportAudit(s.T.Context(), o, app.Period{To: s.Clock.Now().Add(time.Hour)}, &out); err != nil {
		s.T.Fatal(err)
	}
	return out.String()
}

// atTheRealTime is for what compares its clock with the database's.
func atTheRealTime(s *site.Harness) *site.Harness {
	s.Clock.Set(time.Now())
	return s
}

// The audit trail grew for ever, and nobody could read it but page by page.
func TestAuditTrailIsShortenedByTheServer(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *site.Harness{"embedded": site.Embedded, "services": site.OnServices} {
		t.Run(name, func(t *testing.T) {
			// Events are kept for ten seconds, so the server looks every second.
			s := atTheRealTime(make(t)).Start("AUDIT_RETENTION", "10s")
			s.MemberTokens("ada@example.com")
			s.Eventually("the sign-in is in the trail", func() bool { return strings.Contains(exportedAudit(s), `"type":"login_succeeded"`) })
			s.Clock.Advance(11 * time.Second)
			s.Eventually("it is gone", func() bool { return exportedAudit(s) == "" })
		})
	}
}

// A server, or an operator's machine, whose clock is a year ahead made the whole
// trail look old.
func TestAuditTrailStaysWhenTheClockIsWrong(t *testing.T) {
	s := atTheRealTime(site.OnServices(t)).Start("AUDIT_RETENTION", "10s")
	s.MemberTokens("ada@example.com")
	s.Eventually("the sign-in is in the trail", func() bool { return strings.Contains(exportedAudit(s), `"type":"login_succeeded"`) })
	s.Clock.Advance(365 * 24 * time.Hour)
	s.Eventually("the log says so", func() bool {
		return strings.Contains(s.Logs.String(), "the clocks of this machine and of the database differ")
	})
	if lines := exportedAudit(s); !strings.Contains(lines, `"type":"login_succeeded"`) {
		t.Errorf("what is left:\n%s", lines)
	}
	conf, err := config.Load(func(name string) string { return s.Env[name] })
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = app.PruneAudit(t.Context(), app.Options{Config: conf, Log: slog.New(slog.DiscardHandler), Now: s.Clock.Now}, 10*time.Second, &out)
	if err == nil || !strings.Contains(err.Error(), "set the one that is wrong") || out.Len() > 0 {
		t.Errorf("prune by hand: %q, %v", out.String(), err)
	}
}

// What a deleted account leaves: what was done, and not from where.
func TestAuditTrailForgetsWhereADeletedAccountWas(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *site.Harness{"embedded": site.Embedded, "services": site.OnServices} {
		t.Run(name, func(t *testing.T) {
			// The retention is there for the server to look every second.
			s := atTheRealTime(make(t)).Start("AUDIT_REDACT_DELETED", "on", "AUDIT_RETENTION", "10s")
			s.MemberTokens("bob@example.com")
			b := s.Browser()
			b.Do("POST", "/api/auth/register", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 201)
			b.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 200)
			b.Do("DELETE", "/api/auth/me", map[string]string{"password": site.Password}).Want(t, 204)
			var lines string
			s.Eventually("address and browser are gone", func() bool {
				lines = exportedAudit(s)
				for line := range strings.Lines(lines) {
					_, id, _ := strings.Cut(site.LineWith(lines, `"type":"account_deleted"`), `"userId":"`)
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
	for name, make := range map[string]func(*testing.T) *site.Harness{"embedded": site.Embedded, "services": site.OnServices} {
		t.Run(name, func(t *testing.T) {
			s := atTheRealTime(make(t)).Start("AUDIT_REDACT_DELETED", "on", "AUDIT_RETENTION", "10s")
			ada, boss := s.Member("ada@example.com"), s.Admin()
			s.Operator().CreateUser("chief@example.com", "admin")
			her := ada.UserID()
			boss.Do("PATCH", "/api/admin/users/"+her, site.Object{"active": false}).Want(t, 200)
			id := boss.UserID()
			if line := site.LineWith(exportedAudit(s), `"type":"user_disabled"`); !strings.Contains(line, `"actorId":"`+id) || strings.Contains(line, `"ip":""`) {
				t.Fatalf("the act is told without an address: %s", line)
			}
			boss.Do("DELETE", "/api/auth/me", map[string]string{"password": site.Password}).Want(t, 204)
			s.Eventually("address and browser are gone", func() bool {
				return strings.Contains(site.LineWith(exportedAudit(s), `"type":"user_disabled"`), `"ip":"","userAgent":""`)
			})
			if line := site.LineWith(exportedAudit(s), `"type":"login_succeeded","userId":"`+her); line == "" || strings.Contains(line, `"ip":""`) {
				t.Errorf("and those of an account that is there: %s", line)
			}
		})
	}
}
