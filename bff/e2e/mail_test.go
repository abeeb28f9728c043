package e2e

import (
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// mailing is a product, and its operator's desk, that send mails to m.
func (s *site) mailing(m *servertest.SMTPServer) *site {
	s.env["SMTP_URL"], s.env["MAIL_FROM"] = "smtp://"+m.Addr, "Gatehouse <gate@house.example>"
	return s
}

const newPassword = "a kingfisher under the bridge"

// subjects waits for so many mails, and gives "recipient: subject" of each in
// order of the letters. What comes of things done earlier has come by then, too:
// mails leave one after the other.
func (s *site) subjects(m *servertest.SMTPServer, count int) (all []string) {
	s.t.Helper()
	s.eventually("the mails", func() bool { return len(m.Mails()) >= count })
	for _, taken := range m.Mails() {
		parsed, err := mail.ReadMessage(strings.NewReader(taken.Text))
		if err != nil {
			s.t.Fatal(err)
		}
		if len(taken.To) != 1 || taken.To[0] != "TO:"+parsed.Header.Get("To") {
			s.t.Errorf("for %v, and the header says %s", taken.To, parsed.Header.Get("To"))
		}
		all = append(all, strings.Trim(parsed.Header.Get("To"), "<>")+": "+parsed.Header.Get("Subject"))
	}
	slices.Sort(all)
	return all
}

func (s *site) wantMails(m *servertest.SMTPServer, want ...string) {
	s.t.Helper()
	slices.Sort(want)
	if got := s.subjects(m, len(want)); !slices.Equal(got, want) {
		s.t.Errorf("mails:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// Everything that people are told of, each once and to nobody else, and no
// mail holds anything that would let its reader in.
func TestPeopleAreToldByMail(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *site{"embedded": embedded, "services": onServices} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := servertest.SMTP(t, servertest.SMTPOptions{})
			s := open(t).mailing(m).start()
			boss := s.boss()
			ada, eve := s.member("ada@example.com"), s.member("eve@example.com")
			s.eventually("the first sign-ins in the trail", func() bool {
				events := boss.do("GET", "/api/admin/audit?type=login_succeeded", nil).want(t, 200).json(t)["events"].([]any)
				return len(events) == 3
			})
			secrets := []string{goodPassword, newPassword, ada.cookie("access_token"), ada.cookie("refresh_token"), ada.cookie("device")}
			want := []string{"boss@example.com: Your role was changed"}

			ada.do("PUT", "/api/auth/password", object{"currentPassword": "wrong one", "newPassword": newPassword}).want(t, 403)
			ada.do("PUT", "/api/auth/password", object{"currentPassword": goodPassword, "newPassword": newPassword}).want(t, 204)
			want = append(want, "ada@example.com: Your password was changed")
			s.wantMails(m, want...)

			phone := s.browser()
			phone.do("POST", "/api/auth/login", object{"email": "ADA@example.com", "password": newPassword},
				"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 canary").want(t, 200)
			want = append(want, "ada@example.com: Sign-in from a new browser")
			s.wantMails(m, want...)
			phone.do("POST", "/api/auth/login", object{"email": "ada@example.com", "password": newPassword}).want(t, 200) // no news

			stolen := phone.cookie("refresh_token")
			for range 2 {
				s.clock.Advance(20 * time.Minute)
				phone.do("POST", "/api/auth/refresh", nil).want(t, 200)
			}
			thief := s.browser()
			thief.put("refresh_token", stolen)
			thief.do("POST", "/api/auth/refresh", nil).want(t, 401, "refresh_reuse")
			thief.do("POST", "/api/auth/refresh", nil).want(t, 401)
			want = append(want, "ada@example.com: A session was ended: it was used in two places")
			s.wantMails(m, want...)

			boss.do("PATCH", "/api/admin/users/"+eve.userID(), object{"role": "admin"}).want(t, 200)
			boss.do("PATCH", "/api/admin/users/"+eve.userID(), object{"role": "admin"}).want(t, 200) // no news
			want = append(want, "eve@example.com: Your role was changed")
			s.wantMails(m, want...)

			desk := s.desk()
			desk.does(operator.Command{Verb: operator.SetPassword, Email: "ada@example.com", Password: newPassword})
			want = append(want, "ada@example.com: Your password was replaced")
			s.wantMails(m, want...)
			desk.does(operator.Command{Verb: operator.DisableUser, Email: "ada@example.com"})
			want = append(want, "ada@example.com: Your account was disabled")
			s.wantMails(m, want...)

			eve.do("DELETE", "/api/auth/me", object{"password": goodPassword}).want(t, 204)
			want = append(want, "eve@example.com: Your account was deleted")
			s.wantMails(m, want...)
			s.stop()
			s.wantMails(m, want...)

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
			if logs := s.logs.String(); strings.Contains(logs, "@example.com") {
				t.Errorf("the log names an address:\n%s", logs)
			}
		})
	}
}

// Somebody without an account is told nothing, whoever asks for what in their name.
func TestNothingIsSentForUnknownAccounts(t *testing.T) {
	t.Parallel()
	m := servertest.SMTP(t, servertest.SMTPOptions{})
	s := embedded(t).mailing(m).start()
	boss := s.boss()
	for _, email := range []string{"nobody@example.com", "boss@example.com\r\nBcc: nobody@example.com", "nobody@example.com, boss@example.com"} {
		s.browser().do("POST", "/api/auth/login", credentials(email))
		s.browser().do("POST", "/api/auth/login", object{"email": email, "password": "a wrong one"})
	}
	boss.do("PATCH", "/api/admin/users/nobody", object{"active": false}).want(t, 404)
	s.browser().do("POST", "/api/auth/register", object{"email": "mallory@example.com", "password": goodPassword, "name": "nobody@example.com"}).want(t, 201)
	s.stop()
	s.wantMails(m, "boss@example.com: Your role was changed")
}

// Two instances, one theft, one mail.
func TestTheftAcrossInstancesIsMailedOnce(t *testing.T) {
	t.Parallel()
	m := servertest.SMTP(t, servertest.SMTPOptions{})
	a := onServices(t).crowd().mailing(m).start()
	p := pair{a, a.twin()}
	a.somebody("ada@example.com")
	for range 4 {
		before := len(m.Mails())
		first := a.signedIn("ada@example.com")
		current := first
		for range 2 {
			a.clock.Advance(16 * time.Minute)
			current = a.post("/api/auth/refresh", current).renewed(t)
		}
		a.clock.Advance(2 * time.Hour) // the limit is no help
		thieves := make(chan answer, 4)
		for i := range cap(thieves) {
			go func() { thieves <- p.each()[i%2].post("/api/auth/refresh", first) }()
		}
		for range cap(thieves) {
			(<-thieves).want(t, http.StatusUnauthorized)
		}
		a.eventually("the notice", func() bool { return len(m.Mails()) > before })
	}
	p.a.stop()
	p.b.stop()
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
	for name, url := range map[string]string{"hangs": "smtp://" + hangs.Addr, "away": "smtp://" + freeAddr(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := embedded(t).start("SMTP_URL", url, "MAIL_FROM", "gate@house.example")
			b := s.member("ada@example.com")
			old, fresh := goodPassword, newPassword
			for range 5 {
				began := time.Now()
				b.do("PUT", "/api/auth/password", object{"currentPassword": old, "newPassword": fresh}).want(t, 204)
				if took := time.Since(began); took > 9*time.Second { // a mail has ten
					t.Errorf("it took %s", took)
				}
				old, fresh = fresh, old
			}
			b.do("GET", "/api/auth/me", nil).want(t, 200)
			if name == "away" {
				s.awaitMetrics(map[string]float64{`gatehouse_mails_total{outcome="suppressed"}`: 2})
				if retried := s.scrape()[`gatehouse_mails_total{outcome="retried"}`]; retried < 3 {
					t.Errorf("%v attempts are told of", retried)
				}
			}
			began := time.Now()
			s.stop()
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("the end took %s", took)
			}
			if logs := s.logs.String(); strings.Count(logs, `"notice not sent"`) == 0 || strings.Contains(logs, "ada@example.com") {
				t.Errorf("the log says:\n%s", logs)
			}
		})
	}
}

// Without a mail server a developer sees in the log that there would be a
// mail, an operator that there is none.
func TestWithoutMailServer(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*site{"embedded": embedded(t), "services": onServices(t)} {
		s.start()
		b := s.member("ada@example.com")
		b.do("PUT", "/api/auth/password", object{"currentPassword": goodPassword, "newPassword": newPassword}).want(t, 204)
		s.stop()
		logs := s.logs.String()
		would, none := strings.Count(logs, "a mail would be sent; set SMTP_URL"), strings.Count(logs, "no mail is sent")
		if (name == "embedded") != (would == 1 && none == 0) || (name == "services") != (would == 0 && none == 1) || strings.Contains(logs, "ada@") {
			t.Errorf("%s: the log says:\n%s", name, logs)
		}
	}
}
