package app

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/mail"
)

// mailer returns the Mailer that sends notices to account owners, nil where no mail
// is sent, and the function that counts the mails.
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
	case c.Embedded && a.listener != nil: // a user verb prints its own result
		return loggedMail{a.log}, nil, nil
	}
	return nil, nil, nil
}

// sender sends through the current mail.Sender: a reload may replace it.
type sender struct{ now atomic.Pointer[mail.Sender] }

// Deliver implements auth.Mailer.
func (s *sender) Deliver(ctx context.Context, n auth.Notice) error {
	return s.now.Load().Deliver(ctx, n)
}

// loggedMail is for a developer's machine. The log has no addresses.
type loggedMail struct{ log *slog.Logger }

// Deliver implements auth.Mailer.
func (l loggedMail) Deliver(_ context.Context, n auth.Notice) error {
	l.log.Info("a mail would be sent; set SMTP_URL and MAIL_FROM to send it", "kind", n.Kind, "user", n.UserID)
	return nil
}
