package mail_test

import (
	"context"
	"errors"
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/mail"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

const ada = "ada@example.com"

var site = &url.URL{Scheme: "https", Host: "app.example.com"}

func someNotice() auth.Notice {
	return auth.Notice{
		ID: "NOTICE1", Kind: auth.NoticePasswordChanged, UserID: "u1", To: ada,
		At: time.Date(2026, 3, 4, 23, 6, 7, 0, time.FixedZone("elsewhere", 9*60*60)), IP: "203.0.113.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	}
}

func deliver(t *testing.T, s *servertest.SMTPServer, smtpURL string, n auth.Notice) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sender, err := mail.New(mail.Config{SMTPURL: smtpURL, From: "Gatehouse <gate@house.example>", PublicURL: site, Roots: s.Roots})
	if err != nil {
		t.Fatal(err)
	}
	return sender.Deliver(ctx, n)
}

// read gives a mail's header, and its text as a reader shows it.
func read(t *testing.T, m servertest.Mail) (netmail.Header, string) {
	t.Helper()
	parsed, err := netmail.ReadMessage(strings.NewReader(m.Text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, m.Text)
	}
	body := parsed.Body
	switch encoding := parsed.Header.Get("Content-Transfer-Encoding"); encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	default:
		t.Errorf("encoding %q", encoding)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestMailAsItArrives(t *testing.T) {
	t.Parallel()
	s := servertest.SMTP(t, servertest.SMTPOptions{})
	if err := deliver(t, s, "smtp://"+s.Addr, someNotice()); err != nil {
		t.Fatal(err)
	}
	mails := s.Mails()
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	if diff := cmp.Diff([]string{"TO:<" + ada + ">"}, mails[0].To); diff != "" || mails[0].From != "FROM:<gate@house.example>" {
		t.Errorf("from %s, to: %s", mails[0].From, diff)
	}
	header, text := read(t, mails[0])
	want := netmail.Header{
		"From": {`"Gatehouse" <gate@house.example>`}, "To": {"<" + ada + ">"}, "Subject": {"Your password was changed"},
		"Date": {"Wed, 04 Mar 2026 14:06:07 +0000"}, "Message-Id": {"<NOTICE1@house.example>"}, "Auto-Submitted": {"auto-generated"},
		"Mime-Version": {"1.0"}, "Content-Type": {"text/plain; charset=UTF-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
	}
	if diff := cmp.Diff(want, header); diff != "" {
		t.Error(diff)
	}
	wantText := `The password of your account at app.example.com was changed. All other sessions have ended.

When:     4 March 2026, 14:06 UTC
Address:  203.0.113.7
Browser:  Firefox on Linux

If that was you, there is nothing to do. If it was not: sign in at https://app.example.com/account, change your password, and end the sessions that you do not know there. If you cannot sign in any more, tell an administrator at once.

This mail was sent to you by https://app.example.com, because it is about the safety of your account. Answers to it are read by nobody.
`
	if diff := cmp.Diff(wantText, text); diff != "" {
		t.Error(diff)
	}
}

func TestTLSAndSigningIn(t *testing.T) {
	t.Parallel()
	const user, password = "me@house.example", "p@ss/canary"
	login := url.UserPassword(user, password).String() + "@"
	offers, signIn := servertest.SMTPOptions{STARTTLS: true}, servertest.SMTPOptions{STARTTLS: true, User: user, Password: password}
	for name, c := range map[string]struct {
		options  servertest.SMTPOptions
		url      string // %s is the address
		stranger bool   // the certificate is not known
		tls      bool
		user     string
		fails    string
	}{
		"plain on this machine":              {servertest.SMTPOptions{}, "smtp://%s", false, false, "", ""},
		"plain on this machine, TLS offered": {offers, "smtp://%s", false, false, "", ""},
		"STARTTLS":                           {offers, "smtp://%s?tls=required", false, true, "", ""},
		"STARTTLS wanted, not offered":       {servertest.SMTPOptions{}, "smtp://%s?tls=required", false, false, "", "does not support STARTTLS"},
		"STARTTLS by a stranger":             {offers, "smtp://%s?tls=required", true, false, "", "certificate"},
		"TLS from the start":                 {servertest.SMTPOptions{Implicit: true}, "smtps://%s", false, true, "", ""},
		"TLS by a stranger":                  {servertest.SMTPOptions{Implicit: true}, "smtps://%s", true, false, "", "certificate"},
		"signed in":                          {signIn, "smtp://" + login + "%s?tls=required", false, true, user, ""},
		"signed in on this machine":          {servertest.SMTPOptions{User: user, Password: password}, "smtp://" + login + "%s", false, false, user, ""},
		"not signed in":                      {signIn, "smtp://%s?tls=required", false, false, "", "530 5.7.0"},
		"a wrong password":                   {signIn, "smtp://me:canary-wrong@%s?tls=required", false, false, "", "the server said 535 before it was given a mail: is the password"},
		"a password, and nobody asks for it": {offers, "smtp://" + login + "%s?tls=required", false, false, "", "does not support SMTP AUTH"},
	} {
		s := servertest.SMTP(t, c.options)
		if c.stranger {
			s.Roots = nil
		}
		err := deliver(t, s, strings.Replace(c.url, "%s", s.Addr, 1), someNotice())
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) || len(s.Mails()) > 0 {
				t.Errorf("%s: %v, %d mails, want %q", name, err, len(s.Mails()), c.fails)
			} else if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), user) || strings.Contains(err.Error(), ada) {
				t.Errorf("%s: the log gets %v", name, err)
			}
			for _, line := range s.Commands() {
				if c.stranger && line != "EHLO house.example" && line != "STARTTLS" {
					t.Errorf("%s: a stranger is told %q", name, line)
				}
			}
			continue
		}
		if err != nil || len(s.Mails()) != 1 {
			t.Errorf("%s: %v, %d mails", name, err, len(s.Mails()))
			continue
		}
		if m := s.Mails()[0]; m.TLS != c.tls || m.User != c.user {
			t.Errorf("%s: TLS %v, signed in as %q", name, m.TLS, m.User)
		}
	}
}

// Servers repeat a mail's recipient in their replies; the log must not have it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command, answer string
		want            string
		forGood         bool
	}{
		"no such mailbox":    {"RCPT", "550 5.1.1 <ada@example.com>: user ada unknown", "550 5.1.1", true},
		"put off":            {"RCPT", "450 4.7.1 <ada@example.com>: come back later", "450 4.7.1", false},
		"sender refused":     {"MAIL", "553 5.7.1 ada is not served", "553 5.7.1", true},
		"full":               {"DATA", "452 4.3.1 no space for ada@example.com", "452 4.3.1", false},
		"busy at the start":  {"EHLO", "421 4.3.2 ada, not now", "the server said 421 before it was given a mail", false},
		"hangs at the start": {"EHLO", "hang", "no answer in time", false},
		"hangs in between":   {"RCPT", "hang", "no answer in time", false},
	} {
		s := servertest.SMTP(t, servertest.SMTPOptions{Answer: func(line string) string {
			if strings.HasPrefix(line, c.command) || c.command == "EHLO" && strings.HasPrefix(line, "HELO") {
				return c.answer
			}
			return ""
		}})
		sender, err := mail.New(mail.Config{SMTPURL: "smtp://" + s.Addr, From: "gate@house.example", PublicURL: site})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if c.answer == "hang" {
			ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		}
		began := time.Now()
		err = sender.Deliver(ctx, someNotice())
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, auth.ErrUndeliverable) != c.forGood {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: the log gets %v", name, err)
		}
		if took := time.Since(began); took > 9*time.Second { // the sender gives up by itself after ten
			t.Errorf("%s: given up after %s", name, took)
		}
	}
}

// A mail that was taken is not sent again because of how the connection ended.
func TestMailThatWasTakenIsSent(t *testing.T) {
	t.Parallel()
	s := servertest.SMTP(t, servertest.SMTPOptions{Answer: func(line string) string {
		if line == "QUIT" {
			return "421 4.3.2 the server is going away"
		}
		return ""
	}})
	if err := deliver(t, s, "smtp://"+s.Addr, someNotice()); err != nil || len(s.Mails()) != 1 {
		t.Errorf("%v, %d mails", err, len(s.Mails()))
	}
}

func TestNobodyElseIsMailed(t *testing.T) {
	t.Parallel()
	s := servertest.SMTP(t, servertest.SMTPOptions{})
	for _, to := range []string{
		"", "ada", "ada@example.com, eve@example.com", "Ada <ada@example.com>", "<ada@example.com>", "ada@example.com\r\nBcc: eve@example.com",
		"ada@example.com\nRCPT TO:<eve@example.com>", "ada@example.com>\r\nRCPT TO:<eve@example.com", " ada@example.com", "ada@example.com ", "group: ada@example.com;",
	} {
		n := someNotice()
		n.To = to
		if err := deliver(t, s, "smtp://"+s.Addr, n); !errors.Is(err, auth.ErrUndeliverable) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if said := s.Commands(); len(said) > 0 {
		t.Errorf("the server was told %q", said)
	}
}
