package journey

import (
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// mailing is a product, and its operator's desk, that send mails to m.
func mailing(s *site.Harness, m *servertest.SMTPServer) *site.Harness {
	s.Env["SMTP_URL"], s.Env["MAIL_FROM"] = "smtp://"+m.Addr, "Gatehouse <gate@house.example>"
	return s
}

const newPassword = "a kingfisher under the bridge"

// subjects waits for so many mails, and gives "recipient: subject" of each in
// order of the letters. What comes of things done earlier has come by then, too:
// mails leave one after the other.
func subjects(s *site.Harness, m *servertest.SMTPServer, count int) (all []string) {
	s.T.Helper()
	s.Eventually("the mails", func() bool { return len(m.Mails()) >= count })
	for _, taken := range m.Mails() {
		parsed, err := mail.ReadMessage(strings.NewReader(taken.Text))
		if err != nil {
			s.T.Fatal(err)
		}
		if len(taken.To) != 1 || taken.To[0] != "TO:"+parsed.Header.Get("To") {
			s.T.Errorf("for %v, and the header says %s", taken.To, parsed.Header.Get("To"))
		}
		all = append(all, strings.Trim(parsed.Header.Get("To"), "<>")+": "+parsed.Header.Get("Subject"))
	}
	slices.Sort(all)
	return all
}

func wantMails(s *site.Harness, m *servertest.SMTPServer, want ...string) {
	s.T.Helper()
	slices.Sort(want)
	if got := subjects(s, m, len(want)); !slices.Equal(got, want) {
		s.T.Errorf("mails:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// Each security notice is mailed once, to its user alone, and no mail holds a
// secret.
func TestSecurityNoticesAreMailedOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *site.Harness{"embedded": site.Embedded, "services": site.OnServices} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := servertest.SMTP(t, servertest.SMTPOptions{})
			s := mailing(open(t), m).Start()
			boss := s.Admin()
			ada, eve := s.Member("ada@example.com"), s.Member("eve@example.com")
			s.Eventually("the first sign-ins in the trail", func() bool {
				events := boss.Do("GET", "/api/admin/audit?type=login_succeeded", nil).Want(t, 200).JSON(t)["events"].([]any)
				return len(events) == 3
			})
			secrets := []string{site.Password, newPassword, ada.Cookie("access_token"), ada.Cookie("refresh_token"), ada.Cookie("device")}
			want := []string{"boss@example.com: Your role was changed"}

			ada.Do("PUT", "/api/auth/password", site.Object{"currentPassword": "wrong one", "newPassword": newPassword}).Want(t, 403)
			ada.Do("PUT", "/api/auth/password", site.Object{"currentPassword": site.Password, "newPassword": newPassword}).Want(t, 204)
			want = append(want, "ada@example.com: Your password was changed")
			wantMails(s, m, want...)

			phone := s.Browser()
			phone.Do("POST", "/api/auth/login", site.Object{"email": "ADA@example.com", "password": newPassword},
				"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 canary").Want(t, 200)
			want = append(want, "ada@example.com: Sign-in from a new browser")
			wantMails(s, m, want...)
			phone.Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": newPassword}).Want(t, 200) // no news

			stolen := phone.Cookie("refresh_token")
			for range 2 {
				s.Clock.Advance(20 * time.Minute)
				phone.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
			}
			thief := s.Browser()
			thief.PutCookie("refresh_token", stolen)
			thief.Do("POST", "/api/auth/refresh", nil).Want(t, 401, "refresh_reuse")
			thief.Do("POST", "/api/auth/refresh", nil).Want(t, 401)
			want = append(want, "ada@example.com: A session was ended: it was used in two places")
			wantMails(s, m, want...)

			boss.Do("PATCH", "/api/admin/users/"+eve.UserID(), site.Object{"role": "admin"}).Want(t, 200)
			boss.Do("PATCH", "/api/admin/users/"+eve.UserID(), site.Object{"role": "admin"}).Want(t, 200) // no news
			want = append(want, "eve@example.com: Your role was changed")
			wantMails(s, m, want...)

			desk := s.Operator()
			desk.MustRun(operator.Command{Verb: operator.SetPassword, Email: "ada@example.com", Password: newPassword})
			want = append(want, "ada@example.com: Your password was replaced")
			wantMails(s, m, want...)
			desk.MustRun(operator.Command{Verb: operator.DisableUser, Email: "ada@example.com"})
			want = append(want, "ada@example.com: Your account was disabled")
			wantMails(s, m, want...)

			eve.Do("DELETE", "/api/auth/me", site.Object{"password": site.Password}).Want(t, 204)
			want = append(want, "eve@example.com: Your account was deleted")
			wantMails(s, m, want...)
			s.Stop()
			wantMails(s, m, want...)

			for _, taken := range m.Mails() {
				parsed, err := mail.ReadMessage(strings.NewReader(taken.Text))
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
				if err != nil {
					t.Fatal(err)
				}
				for _, secret := range append(secrets, "Ada", "canary", "token") {
					if strings.Contains(string(text), secret) || strings.Contains(taken.Text, secret) {
						t.Errorf("a mail holds %q:\n%s", secret, text)
					}
				}
			}
			if logs := s.Logs.String(); strings.Contains(logs, "@example.com") {
				t.Errorf("the log names an address:\n%s", logs)
			}
		})
	}
}

// Addresses without an account get no mail, whatever is requested in their name.
func TestNothingIsSentForUnknownAccounts(t *testing.T) {
	t.Parallel()
	m := servertest.SMTP(t, servertest.SMTPOptions{})
	s := mailing(site.Embedded(t), m).Start()
	boss := s.Admin()
	for _, email := range []string{"nobody@example.com", "boss@example.com\r\nBcc: nobody@example.com", "nobody@example.com, boss@example.com"} {
		s.Browser().Do("POST", "/api/auth/login", site.Credentials(email))
		s.Browser().Do("POST", "/api/auth/login", site.Object{"email": email, "password": "a wrong one"})
	}
	boss.Do("PATCH", "/api/admin/users/nobody", site.Object{"active": false}).Want(t, 404)
	s.Browser().Do("POST", "/api/auth/register", site.Object{"email": "mallory@example.com", "password": site.Password, "name": "nobody@example.com"}).Want(t, 201)
	s.Stop()
	wantMails(s, m, "boss@example.com: Your role was changed")
}

// Two instances, one theft, one mail.
func TestTheftAcrossInstancesIsMailedOnce(t *testing.T) {
	t.Parallel()
	m := servertest.SMTP(t, servertest.SMTPOptions{})
	a := mailing(site.OnServices(t).TrustLoopback(), m).Start()
	p := site.Pair{A: a, B: a.Twin()}
	a.MemberTokens("ada@example.com")
	for range 4 {
		before := len(m.Mails())
		first := a.SignInTokens("ada@example.com")
		current := first
		for range 2 {
			a.Clock.Advance(16 * time.Minute)
			current = a.Post("/api/auth/refresh", current).Refreshed(t)
		}
		a.Clock.Advance(2 * time.Hour) // the limit is no help
		thieves := make(chan site.Answer, 4)
		for i := range cap(thieves) {
			go func() { thieves <- p.Each()[i%2].Post("/api/auth/refresh", first) }()
		}
		for range cap(thieves) {
			(<-thieves).Want(t, http.StatusUnauthorized)
		}
		a.Eventually("the notice", func() bool { return len(m.Mails()) > before })
	}
	p.A.Stop()
	p.B.Stop()
	thefts := 0
	for _, taken := range m.Mails() {
		if strings.Contains(taken.Text, "Subject: A session was ended") {
			thefts++
		}
	}
	if thefts != 4 {
		t.Errorf("%d mails of 4 thefts", thefts)
	}
}

// A mail server that hangs, and one that is away, cost no request its time,
// and no mail when they come back.
func TestMailServerInTrouble(t *testing.T) {
	t.Parallel()
	hangs := servertest.SMTP(t, servertest.SMTPOptions{Answer: func(string) string { return "hang" }})
	for name, url := range map[string]string{"hangs": "smtp://" + hangs.Addr, "away": "smtp://" + site.FreeAddr(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.Embedded(t).Start("SMTP_URL", url, "MAIL_FROM", "gate@house.example")
			b := s.Member("ada@example.com")
			old, fresh := site.Password, newPassword
			for range 5 {
				began := time.Now()
				b.Do("PUT", "/api/auth/password", site.Object{"currentPassword": old, "newPassword": fresh}).Want(t, 204)
				if took := time.Since(began); took > 9*time.Second { // a mail has ten
					t.Errorf("it took %s", took)
				}
				old, fresh = fresh, old
			}
			b.Do("GET", "/api/auth/me", nil).Want(t, 200)
			if name == "away" {
				s.AwaitMetrics(map[string]float64{`gatehouse_mails_total{outcome="suppressed"}`: 2})
				if retried := s.Scrape()[`gatehouse_mails_total{outcome="retried"}`]; retried < 3 {
					t.Errorf("%v attempts are told of", retried)
				}
			}
			began := time.Now()
			s.Stop()
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("the end took %s", took)
			}
			if logs := s.Logs.String(); strings.Count(logs, `"notice not sent"`) == 0 || strings.Contains(logs, "ada@example.com") {
				t.Errorf("the log says:\n%s", logs)
			}
		})
	}
}

// Without a mail server a developer sees in the log that there would be a
// mail, an operator that there is none.
func TestWithoutMailServer(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*site.Harness{"embedded": site.Embedded(t), "services": site.OnServices(t)} {
		s.Start()
		b := s.Member("ada@example.com")
		b.Do("PUT", "/api/auth/password", site.Object{"currentPassword": site.Password, "newPassword": newPassword}).Want(t, 204)
		s.Stop()
		logs := s.Logs.String()
		would, none := strings.Count(logs, "a mail would be sent; set SMTP_URL"), strings.Count(logs, "no mail is sent")
		if (name == "embedded") != (would == 1 && none == 0) || (name == "services") != (would == 0 && none == 1) || strings.Contains(logs, "ada@") {
			t.Errorf("%s: the log says:\n%s", name, logs)
		}
	}
}
