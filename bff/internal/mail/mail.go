// Package mail brings notices to people by SMTP. It owns their words: plain
// text, nothing in it that a client could choose, no secret, no link that
// does anything.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// Config configures a Sender.
type Config struct {
	SMTPURL   string
	From      string
	PublicURL *url.URL
	// Roots are the authorities that the server's certificate may be from; nil:
	// the system's.
	Roots *x509.CertPool
}

// Sender is auth.Mailer by SMTP. It is safe for concurrent use.
type Sender struct {
	server server
	from   *mail.Address
	public *url.URL
	roots  *x509.CertPool
}

var _ auth.Mailer = (*Sender)(nil)

// New makes a Sender. It does not connect.
func New(c Config) (*Sender, error) {
	if err := Check(c.SMTPURL, c.From); err != nil {
		return nil, err
	}
	s := &Sender{public: c.PublicURL, roots: c.Roots}
	var err error
	if s.server, err = parseURL(c.SMTPURL); err != nil {
		return nil, err
	}
	s.from, err = parseFrom(c.From)
	return s, err
}

// silence is the timeout of each step of the protocol.
const silence = 10 * time.Second

// Deliver implements auth.Mailer. Each notice has its own connection, as there are
// few.
func (s *Sender) Deliver(ctx context.Context, n auth.Notice) error {
	msg, err := s.message(n)
	if err != nil {
		return err
	}
	var conn net.Conn
	defer func() {
		if conn != nil { // go-mail leaves it open when the beginning fails
			_ = conn.Close()
		}
	}()
	// go-mail follows ctx only until it is connected, and servers hang after that.
	hangUp := func() {}
	defer func() { hangUp() }()
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		var err error
		if conn, err = s.dial(dialing, network, address); err != nil {
			return nil, err
		}
		c := conn
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		hangUp = func() { stop() }
		return conn, nil
	}
	client, err := s.client(dial)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // an error after that is only of QUIT; a retry would deliver it twice
	}
	return s.failure(ctx, err, n.To)
}

func (s *Sender) tls() *tls.Config {
	return &tls.Config{ServerName: s.server.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

func (s *Sender) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.server.security == implicit {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (s *Sender) client(dial gomail.DialContextFunc) (*gomail.Client, error) {
	_, domain, _ := strings.Cut(s.from.Address, "@")
	options := []gomail.Option{
		// The name of the machine is not disclosed.
		gomail.WithPort(s.server.port), gomail.WithHELO(domain), gomail.WithTimeout(silence), gomail.WithDialContextFunc(dial),
		gomail.WithTLSConfig(s.tls()), gomail.WithoutNoop(), gomail.WithoutRset(), gomail.WithoutSMTPUTF8(),
	}
	switch s.server.security {
	case startTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case implicit:
		options = append(options, gomail.WithSSL())
	case plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.server.user != "" {
		options = append(options, gomail.WithUsername(s.server.user), gomail.WithPassword(s.server.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return gomail.NewClient(s.server.host, options...)
}

// message makes the mail of n. A notice has the same Message-ID at each try: mail
// programs show a second copy once.
func (s *Sender) message(n auth.Notice) (*gomail.Msg, error) {
	to, err := mail.ParseAddress(n.To)
	if err != nil || to.Name != "" || to.Address != n.To {
		return nil, fmt.Errorf("mail: the stored address is none: %w", auth.ErrUndeliverable)
	}
	subject, body, err := render(n, s.public)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(s.from)
	m.ToMailAddress(to)
	m.SetDateWithValue(n.At.UTC())
	m.SetMessageIDWithValue(n.ID + "@" + domain)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.Subject(subject)
	m.SetBodyString(gomail.TypeTextPlain, body)
	return m, nil
}

// failure makes the error for the log. Servers repeat the recipient and the client's
// name in their replies, so of those only the code is kept.
func (s *Sender) failure(ctx context.Context, err error, to string) error {
	var refused *gomail.SendError
	var answer *textproto.Error
	var text string
	switch code := 0; {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("mail: no answer in time: %w", context.Cause(ctx))
	case errors.As(err, &refused):
		if code = refused.ErrorCode(); code == 0 {
			return fmt.Errorf("mail: the connection broke (%s)", refused.Reason)
		}
		if code/100 == 5 {
			return fmt.Errorf("mail: the server said %d %s (%s): %w", code, refused.EnhancedStatusCode(), refused.Reason, auth.ErrUndeliverable)
		}
		return fmt.Errorf("mail: the server said %d %s (%s)", code, refused.EnhancedStatusCode(), refused.Reason)
	case errors.As(err, &answer):
		hint := ""
		if answer.Code/10 == 53 {
			hint = ": is the password in SMTP_URL right?"
		}
		return fmt.Errorf("mail: the server said %d before it was given a mail%s", answer.Code, hint)
	default:
		text = err.Error()
	}
	for _, secret := range []string{to, s.server.password, s.server.user} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return errors.New("mail: " + text)
}
