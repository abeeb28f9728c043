package app

import (
	"context"
	"log/slog"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/mail"
)

// mailer is how people are told of what happens to their accounts: nil where
// they are not. With it comes what counts its mails.
func (a *App) mailer() (auth.Mailer, func(outcome string), error) {
	c := a.config
	switch {
	case c.SMTPURL != "":
		sender, err := mail.New(mail.Config{SMTPURL: c.SMTPURL.Reveal(), From: c.MailFrom, PublicURL: c.PublicURL})
		return sender, a.metrics.Mailed, err
	case c.Embedded && a.listener != nil: // a user verb says by itself what it has done
		return loggedMail{a.log}, nil, nil
	}
	return nil, nil, nil
}

// loggedMail is for a developer's machine. The log names nobody's address.
type loggedMail struct{ log *slog.Logger }

// Deliver is auth.Mailer.Deliver.
func (l loggedMail) Deliver(_ context.Context, n auth.Notice) error {
	l.log.Info("a mail would be sent; set SMTP_URL and MAIL_FROM to send it", "kind", n.Kind, "user", n.UserID)
	return nil
}
