package mail

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// words are the texts of one kind of notice. SITE, ROLE and ACCOUNT are filled in.
type words struct {
	subject string
	what    string
	unless  string // what to do when it was not them
}

const (
	changeIt = "sign in at ACCOUNT, change your password, and end the sessions that you do not know there. " +
		"If you cannot sign in any more, tell an administrator at once."
	fine = "If that was you, there is nothing to do. If it was not: "
)

var vocabulary = map[auth.NoticeKind]words{
	auth.NoticePasswordChanged: {
		"Your password was changed",
		"The password of your account at SITE was changed. All other sessions have ended.",
		fine + changeIt,
	},
	auth.NoticePasswordSet: {
		"Your password was replaced",
		"An administrator has given your account at SITE a new password. All sessions have ended.",
		"If you did not ask for this, tell an administrator. Once you have the new password, change it at ACCOUNT.",
	},
	auth.NoticeAccountDeleted: {
		"Your account was deleted",
		"Your account at SITE was deleted. All sessions have ended.",
		"If that was you, there is nothing to do. If it was not: tell an administrator.",
	},
	auth.NoticeAccountDisabled: {
		"Your account was disabled",
		"An administrator has disabled your account at SITE. All sessions have ended, and nobody can sign in to it.",
		"If you do not know why, ask an administrator.",
	},
	auth.NoticeRoleChanged: {
		"Your role was changed",
		"An administrator has changed the role of your account at SITE. It is now: ROLE.",
		"If you do not know why, ask an administrator.",
	},
	auth.NoticeSessionStolen: {
		"A session was ended: it was used in two places",
		"A session of your account at SITE was used from two places at once, as happens when somebody has copied it from your browser. " +
			"It was ended in both. What is said below is of the place that came last: it may be yours.",
		"Sign in again at ACCOUNT, change your password, and look for what you do not know among the sessions there. " +
			"If it happens again, have your computer looked at: something may be copying from it.",
	},
	auth.NoticeNewBrowser: {
		"Sign-in from a new browser",
		"Somebody has signed in to your account at SITE, with the right password, from a browser that had not signed in to it before.",
		fine + changeIt,
	},
}

// render returns a notice's subject and text.
func render(n auth.Notice, public *url.URL) (subject, text string, err error) {
	w, known := vocabulary[n.Kind]
	if !known {
		return "", "", fmt.Errorf("mail: no words for %q: %w", n.Kind, auth.ErrUndeliverable)
	}
	role := "not known"
	if n.Role.Valid() {
		role = string(n.Role)
	}
	fill := strings.NewReplacer("SITE", public.Host, "ROLE", role, "ACCOUNT", public.String()+"/account")
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s\n", fill.Replace(w.what))
	line("When:     %s", n.At.UTC().Format("2 January 2006, 15:04 UTC"))
	// Parsed and formatted: text of a client is never copied into a mail.
	if ip, err := netip.ParseAddr(n.IP); err == nil {
		line("Address:  %s", ip.WithZone(""))
	}
	if browser := browserOf(n.UserAgent); browser != "" {
		line("Browser:  %s", browser)
	}
	line("\n%s\n", fill.Replace(w.unless))
	line("This mail was sent to you by %s, because it is about the safety of your account. Answers to it are read by nobody.", public)
	return w.subject, b.String(), nil
}
