package mail_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

var links = regexp.MustCompile(`https?://[^\s,]+`)

func TestEveryKindHasItsWords(t *testing.T) {
	t.Parallel()
	s := servertest.SMTP(t, servertest.SMTPOptions{})
	for _, kind := range auth.NoticeKinds {
		n := someNotice()
		n.Kind, n.Role = kind, session.RoleAdmin
		if err := deliver(t, s, "smtp://"+s.Addr, n); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		mails := s.Mails()
		header, text := read(t, mails[len(mails)-1])
		if subject := header.Get("Subject"); len(subject) < 10 || len(subject) > 60 {
			t.Errorf("%s: subject %q", kind, subject)
		}
		for _, want := range []string{"account at app.example.com", "When:     4 March 2026, 14:06 UTC\n", "sent to you by https://app.example.com,"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", kind, want, text)
			}
		}
		if asks := regexp.MustCompile(`tell an administrator|ask an administrator|change your password`); !asks.MatchString(text) {
			t.Errorf("%s: says nothing of what to do:\n%s", kind, text)
		}
		if regexp.MustCompile(`\b(SITE|ROLE|ACCOUNT)\b`).MatchString(text) {
			t.Errorf("%s: a word is not filled in:\n%s", kind, text)
		}
		if strings.Contains(text, "now: admin.") != (kind == auth.NoticeRoleChanged) {
			t.Errorf("%s: the role:\n%s", kind, text)
		}
		for _, link := range links.FindAllString(text, -1) {
			if link = strings.TrimRight(link, "."); link != "https://app.example.com" && link != "https://app.example.com/account" {
				t.Errorf("%s: a link to %s", kind, link)
			}
		}
	}
	n := someNotice()
	n.Kind = "unheard of"
	if err := deliver(t, s, "smtp://"+s.Addr, n); err == nil {
		t.Error("a mail without words")
	}
}

// A client's text is not sent on in our name.
func TestNothingOfAClientIsInAMail(t *testing.T) {
	t.Parallel()
	s := servertest.SMTP(t, servertest.SMTPOptions{})
	for _, evil := range []string{
		"Canary/1.0", "Firefox/1\r\nBcc: canary@example.com\r\n\r\nhttps://canary.example", "canary\n.\nQUIT\n", "Chrome/1 https://canary.example/prize",
		"canary\x00", "\xff\xfecanary", strings.Repeat("canary", 1000), "=?utf-8?q?canary?=",
	} {
		n := someNotice()
		n.UserAgent, n.IP, n.Role, n.Kind = evil, evil, session.Role(evil), auth.NoticeRoleChanged
		if err := deliver(t, s, "smtp://"+s.Addr, n); err != nil {
			t.Fatal(err)
		}
	}
	mails := s.Mails()
	if len(mails) != 8 {
		t.Fatalf("%d mails", len(mails))
	}
	for _, m := range mails {
		header, text := read(t, m)
		if strings.Contains(strings.ToLower(m.Text), "canary") || header.Get("Bcc") != "" || len(m.To) != 1 || strings.Contains(text, "Address:") {
			t.Errorf("to %v:\n%s", m.To, m.Text)
		}
	}
}

func TestBrowsersInWords(t *testing.T) {
	t.Parallel()
	s := servertest.SMTP(t, servertest.SMTPOptions{})
	for userAgent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":            "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36":                         "Chrome on Android",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0":                                             "Firefox on macOS",
		"Something (Linux)": "a browser on Linux",
		"curl/8.0":          "a program",
		"who knows":         "",
		"":                  "",
	} {
		n := someNotice()
		n.UserAgent = userAgent
		if err := deliver(t, s, "smtp://"+s.Addr, n); err != nil {
			t.Fatal(err)
		}
		mails := s.Mails()
		_, text := read(t, mails[len(mails)-1])
		line := "Browser:  " + want + "\n"
		if want == "" {
			line = "\n"
		}
		if !strings.Contains(text, line) || want == "" && strings.Contains(text, "Browser:") {
			t.Errorf("%s: want %q in\n%s", userAgent, want, text)
		}
	}
}
