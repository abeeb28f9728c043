package tlsfiles

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"
)

// Source gives TLS configurations by what its files hold at the moment. A nil
// Source has no files: the system's authorities, and no certificate of one's own.
// It is safe for concurrent use.
type Source struct {
	files  Files
	prefix string
	now    func() time.Time
	log    *slog.Logger

	mu      sync.Mutex
	last    *loaded // that were right
	mistake string  // of the files as they are, "" when they are right
}

// Open reads the files, and gives nil when there are none. Its error has every
// mistake; see Files.Check.
func Open(prefix string, f Files, now func() time.Time, log *slog.Logger) (*Source, error) {
	if f == (Files{}) {
		return nil, nil
	}
	l, err := f.load(prefix)
	if err != nil {
		return nil, err
	}
	s := &Source{files: f, prefix: prefix, now: now, log: log, last: l}
	s.warn(l)
	return s, nil
}

// Configure has c verify servers by the authorities that count now, and show the
// client's certificate. It is to be called for each new connection: certificates
// that live for a day are replaced without a word. Files with a mistake, such as
// a certificate that is new beside a key that is not yet, leave those from before
// in use.
func (s *Source) Configure(c *tls.Config) {
	c.MinVersion = tls.VersionTLS12
	if s == nil {
		return
	}
	l := s.current()
	if l.roots != nil {
		c.RootCAs = l.roots
	}
	if l.client != nil {
		// Not Certificates, of which none is sent when the server names other
		// authorities: it would then complain of a certificate that is missing.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return l.client, nil }
	}
}

func (s *Source) current() *loaded {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts, err := s.files.read(s.prefix)
	if err == nil && s.last.holds(texts) {
		s.mistake = ""
		return s.last
	}
	var l *loaded
	if err == nil {
		l, err = s.files.parse(s.prefix, texts)
	}
	if err != nil {
		if s.mistake != err.Error() {
			s.mistake = err.Error()
			s.log.Error("TLS files have a mistake: new connections use what they held before", "settings", s.prefix, "error", err)
		}
		return s.last
	}
	s.last, s.mistake = l, ""
	s.log.Info("TLS files were replaced: new connections use them", "settings", s.prefix)
	s.warn(l)
	return l
}

func (s *Source) warn(l *loaded) {
	for _, w := range l.warnings(s.prefix, s.now()) {
		s.log.Warn(w)
	}
}

// HasCertificate reports whether there is a certificate to show to the server.
func (s *Source) HasCertificate() bool { return s != nil && s.files.Cert != "" }
