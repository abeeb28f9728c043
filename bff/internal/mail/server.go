package mail

import (
	"errors"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
)

// server is a parsed SMTP_URL.
type server struct {
	host           string
	port           int
	user, password string
	security       security
}

type security int

const (
	startTLS security = iota // required: without it nothing is sent
	implicit                 // TLS from the first byte
	plain
)

// Ports of submission (RFC 8314).
const (
	portStartTLS = 587
	portImplicit = 465
)

// parseURL parses smtp://user:password@host:587, which requires STARTTLS unless the
// host is this machine or ?tls=none is set, and smtps://. Its errors do not repeat
// the value, which holds a password.
func parseURL(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Opaque != "" {
		return server{}, errors.New("is no address of a mail server; write smtp://user:password@host:587, or smtps:// (special characters of the password percent-encoded)")
	}
	if u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return server{}, errors.New("has a path; nothing but ?tls=none may follow the host")
	}
	s := server{host: u.Hostname(), port: portStartTLS}
	if u.Scheme == "smtps" {
		s.security, s.port = implicit, portImplicit
	} else if isLoopback(s.host) {
		s.security = plain
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return server{}, errors.New("has a port that is none")
		}
	}
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
		if s.user == "" || s.password == "" {
			return server{}, errors.New("has half of a user and password")
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	switch {
	case err != nil, len(query) > 1, len(query) == 1 && len(query["tls"]) != 1, len(query) == 1 && s.security == implicit:
		return server{}, errors.New("says too much; smtp:// takes ?tls=none or ?tls=required, smtps:// nothing")
	case len(query) == 0:
	case query.Get("tls") == "required":
		s.security = startTLS
	case query.Get("tls") == "none":
		s.security = plain
	default:
		return server{}, errors.New("has another tls than none or required")
	}
	if s.security == plain && s.user != "" && !isLoopback(s.host) {
		return server{}, errors.New("would send the password in the clear; leave out ?tls=none")
	}
	return s, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// parseFrom parses MAIL_FROM: an address, or a name and an address. Addresses must
// be ASCII: not all mail servers support others.
func parseFrom(text string) (*mail.Address, error) {
	from, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(from.Address, func(r rune) bool { return r > 126 }) {
		return nil, errors.New("is no address; write gatehouse@example.com, or Gatehouse <gatehouse@example.com>")
	}
	return from, nil
}

// Check checks the two settings, "" for one that is not set. Its errors do not have
// the values.
func Check(smtpURL, from string) error {
	var mistakes []error
	if smtpURL != "" {
		if _, err := parseURL(smtpURL); err != nil {
			mistakes = append(mistakes, &settingError{"SMTP_URL", err})
		}
	}
	if from != "" {
		if _, err := parseFrom(from); err != nil {
			mistakes = append(mistakes, &settingError{"MAIL_FROM", err})
		}
	}
	return errors.Join(mistakes...)
}

type settingError struct {
	name string
	err  error
}

func (e *settingError) Error() string { return e.name + " " + e.err.Error() }
