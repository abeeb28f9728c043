package mail

import (
	"strings"
	"testing"
)

func TestSMTPURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]server{
		"smtp://mail.example":                             {"mail.example", 587, "", "", startTLS},
		"smtp://mail.example/":                            {"mail.example", 587, "", "", startTLS},
		"smtp://me%40house.example:p%2Fw%3A@mail.example": {"mail.example", 587, "me@house.example", "p/w:", startTLS},
		"smtp://mail:1025?tls=none":                       {"mail", 1025, "", "", plain},
		"smtp://mail.example:25?tls=required":             {"mail.example", 25, "", "", startTLS},
		"smtps://me:pw@mail.example":                      {"mail.example", 465, "me", "pw", implicit},
		"smtp://localhost:25":                             {"localhost", 25, "", "", plain},
		"smtp://127.9.9.9:25":                             {"127.9.9.9", 25, "", "", plain},
		"smtp://[::1]:25":                                 {"::1", 25, "", "", plain},
		"smtp://me:pw@localhost:25":                       {"localhost", 25, "me", "pw", plain},
		"smtp://localhost:25?tls=required":                {"localhost", 25, "", "", startTLS},
		"smtp://localhost.example":                        {"localhost.example", 587, "", "", startTLS},
	} {
		if got, err := parseURL(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"mail.example:587":                        "no address of a mail server",
		"mail.example":                            "no address of a mail server",
		"http://mail.example":                     "no address of a mail server",
		"smtp://":                                 "no address of a mail server",
		"smtp:canary@mail.example":                "no address of a mail server",
		"smtp://me:canary#@mail.example":          "no address of a mail server",
		"smtp://mail.example/canary":              "has a path",
		"smtp://mail.example#canary":              "has a path",
		"smtp://mail.example:0":                   "port that is none",
		"smtp://mail.example:65536":               "port that is none",
		"smtp://canary@mail.example":              "half of a user",
		"smtp://:canary@mail.example":             "half of a user",
		"smtp://mail.example?tls=canary":          "another tls",
		"smtp://mail.example?canary=1":            "says too much",
		"smtp://mail.example?tls=none&tls=none":   "says too much",
		"smtp://mail.example?tls=none&canary=1":   "says too much",
		"smtps://mail.example?tls=none":           "says too much",
		"smtp://me:canary@mail.example?tls=none":  "in the clear",
		"smtp://me:canary@192.0.2.1:587?tls=none": "in the clear",
	} {
		_, err := parseURL(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestMailFrom(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"gate@house.example", "Gatehouse <gate@house.example>", `"Gate, house" <gate@localhost>`, "Tür <gate@house.example>"} {
		if err := Check("", text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"gate", "Gatehouse", "a@b.example, c@d.example", "gate@tür.example", "a@b.example\r\nBcc: c@d.example", "<>"} {
		if err := Check("", text); err == nil || !strings.HasPrefix(err.Error(), "MAIL_FROM is no address") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := Check("canary", "canary"); err == nil || strings.Count(err.Error(), "\n") != 1 || strings.Contains(err.Error(), "canary") {
		t.Errorf("not both mistakes at once, or the values: %v", err)
	}
}
