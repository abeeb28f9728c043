package app

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/mail"
)

// mailer is how people are told of what happens to their accounts: nil where
// they are not. With it comes what counts its mails.
func (a *App) mailer() (auth.Mailer, func(outcome string), error) {
	c := a.config
	switch {
	case c.SMTPURL != "":
		first, err := mail.New(mail.Config{SMTPURL: c.SMTPURL.Reveal(), From: c.MailFrom, PublicURL: c.PublicURL})
		if err != nil {
			return nil, nil, err
		}
		a.sender = &sender{}
		a.sender.now.Store(first)
		return a.sender, a.metrics.Mailed, nil
	case c.Embedded && a.listener != nil: // a user verb says by itself what it has done
		return loggedMail{a.log}, nil, nil
	}
	return nil, nil, nil
}

// sender sends by the mail.Sender of the moment: SMTP_URL may be read again.
type sender struct{ now atomic.Pointer[mail.Sender] }

// Deliver is auth.Mailer.Deliver.
func (s *sender) Deliver(ctx context.Context, n auth.Notice) error {
	return s.now.Load().Deliver(ctx, n)
}

// loggedMail is for a developer's machine. The log has no addresses.
type loggedMail struct{ log *slog.Logger }

// Deliver is auth.Mailer.Deliver.
func (l loggedMail) Deliver(_ context.Context, n auth.Notice) error {
	l.log.Info("a mail would be sent; set SMTP_URL and MAIL_FROM to send it", "kind", n.Kind, "user", n.UserID)
	return nil
}
