package servertest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// SMTPOptions is how a mail server for tests behaves.
type SMTPOptions struct {
	STARTTLS bool // offered
	Implicit bool // TLS from the first byte
	// User and Password, where given, have to come before a mail.
	User, Password string
	// Answer, where it gives something, answers a command in the server's place;
	// with "hang" nothing is answered any more.
	Answer func(command string) string
}

// SMTPServer takes mails and keeps them.
type SMTPServer struct {
	Addr  string
	Roots *x509.CertPool // that know its certificate; nil without TLS

	options  SMTPOptions
	tls      *tls.Config
	listener net.Listener

	mu       sync.Mutex
	mails    []Mail
	commands []string
	open     []net.Conn
}

// Mail is one that was taken.
type Mail struct {
	From string
	To   []string
	Text string // with its header
	TLS  bool
	User string // the signed-in user, "" for none
}

// SMTP starts a mail server on a loopback port for this test alone.
func SMTP(tb testing.TB, o SMTPOptions) *SMTPServer {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &SMTPServer{Addr: l.Addr().String(), options: o, listener: l}
	if o.STARTTLS || o.Implicit {
		authority := NewAuthority(tb, nil)
		certificate, key := authority.Issue("a mail server for tests", nil)
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			tb.Fatal(err)
		}
		text, err := os.ReadFile(authority.File)
		if err != nil {
			tb.Fatal(err)
		}
		s.Roots = x509.NewCertPool()
		s.Roots.AppendCertsFromPEM(text)
		s.tls = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	var serving sync.WaitGroup
	serving.Go(func() { s.accept(&serving) })
	tb.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for _, c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return s
}

// Mails gives those taken so far.
func (s *SMTPServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Commands gives everything that was said to it, but for mails.
func (s *SMTPServer) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

func (s *SMTPServer) accept(serving *sync.WaitGroup) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open = append(s.open, conn)
		s.mu.Unlock()
		serving.Go(func() {
			defer conn.Close()
			if s.options.Implicit {
				conn = tls.Server(conn, s.tls)
			}
			(&smtpTalk{server: s, conn: conn, text: textproto.NewConn(conn), mail: Mail{TLS: s.options.Implicit}}).run()
		})
	}
}

// smtpTalk is one connection.
type smtpTalk struct {
	server *SMTPServer
	conn   net.Conn
	text   *textproto.Conn
	mail   Mail
}

// run ends with the connection. Write errors are not reported.
func (t *smtpTalk) run() {
	say := func(line string) bool { return t.text.PrintfLine("%s", line) == nil }
	if !say("220 test ESMTP") {
		return
	}
	for {
		line, err := t.text.ReadLine()
		if err != nil {
			return
		}
		t.server.mu.Lock()
		t.server.commands = append(t.server.commands, line)
		t.server.mu.Unlock()
		answer := ""
		if t.server.options.Answer != nil {
			answer = t.server.options.Answer(line)
		}
		if answer == "hang" {
			_, _ = t.text.ReadLine() // until the other side gives up
			return
		}
		if answer == "" {
			answer = t.answer(line)
		}
		if !say(answer) || strings.HasPrefix(answer, "221") {
			return
		}
		switch {
		case strings.HasPrefix(answer, "354"):
			body, err := t.text.ReadDotBytes()
			if err != nil {
				return
			}
			t.mail.Text = string(body)
			t.server.mu.Lock()
			t.server.mails = append(t.server.mails, t.mail)
			t.server.mu.Unlock()
			say("250 taken")
		case line == "STARTTLS" && strings.HasPrefix(answer, "220"):
			t.conn = tls.Server(t.conn, t.server.tls)
			t.text, t.mail = textproto.NewConn(t.conn), Mail{TLS: true}
		}
	}
}

func (t *smtpTalk) answer(line string) string {
	o := t.server.options
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		extensions := []string{"250-test"}
		if o.STARTTLS && !t.mail.TLS {
			extensions = append(extensions, "250-STARTTLS")
		}
		if o.User != "" {
			extensions = append(extensions, "250-AUTH PLAIN")
		}
		return strings.Join(append(extensions, "250 ENHANCEDSTATUSCODES"), "\r\n")
	case "AUTH":
		want := base64.StdEncoding.EncodeToString([]byte("\x00" + o.User + "\x00" + o.Password))
		if rest != "PLAIN "+want {
			return "535 5.7.8 wrong user " + o.User
		}
		t.mail.User = o.User
		return "235 welcome"
	case "MAIL":
		if o.User != "" && t.mail.User == "" {
			return "530 5.7.0 sign in first"
		}
		t.mail.From, t.mail.To = rest, nil
	case "RCPT":
		t.mail.To = append(t.mail.To, rest)
	case "DATA":
		return "354 go on"
	case "STARTTLS":
		if !o.STARTTLS {
			return "502 no"
		}
		return "220 go on"
	case "QUIT":
		return "221 bye"
	}
	return "250 fine"
}
