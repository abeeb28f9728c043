package tlsfiles_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// site is where files are replaced in the way of an agent that renews them.
type site struct {
	t     *testing.T
	files tlsfiles.Files
}

func newSite(t *testing.T) site {
	dir := t.TempDir()
	return site{t, tlsfiles.Files{CA: filepath.Join(dir, "ca"), Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key")}}
}

func (s site) put(file, from string) {
	s.t.Helper()
	if err := os.WriteFile(file+".new", []byte(read(s.t, from)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		s.t.Fatal(err)
	}
}

// issue gives a fresh certificate and key of a.
func (s site) issue(a *servertest.Authority, name string) {
	s.t.Helper()
	cert, key := a.Issue(name, nil)
	s.put(s.files.Cert, cert)
	s.put(s.files.Key, key)
}

// handshake is one with a server of the authority's that wants certificates of
// it, and gives the name in the client's.
func handshake(t *testing.T, a *servertest.Authority, source *tlsfiles.Source, version uint16) (client string, err error) {
	t.Helper()
	cert, key := a.Issue("server", nil)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS10, MaxVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var serving sync.WaitGroup
	serving.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		server := c.(*tls.Conn)
		if server.HandshakeContext(t.Context()) == nil {
			if shown := server.ConnectionState().PeerCertificates; len(shown) > 0 {
				client = shown[0].Subject.CommonName
			}
		}
	})
	plain, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	ours := &tls.Config{ServerName: "127.0.0.1"}
	source.Configure(ours)
	err = tls.Client(plain, ours).HandshakeContext(t.Context())
	serving.Wait() // before the connection is closed: the server may not have seen the certificate yet
	return client, err
}

func TestFilesAreReadAgainForEachConnection(t *testing.T) {
	t.Parallel()
	first, second := servertest.NewAuthority(t, nil), servertest.NewAuthority(t, nil)
	s, log := newSite(t), &strings.Builder{}
	s.put(s.files.CA, first.File)
	s.issue(first, "monday")
	source, err := tlsfiles.Open("STORE_TLS", s.files, time.Now, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	wants := func(a *servertest.Authority, client string) {
		t.Helper()
		if got, err := handshake(t, a, source, tls.VersionTLS13); err != nil || got != client {
			t.Errorf("%q, %v; want %q", got, err, client)
		}
	}
	wants(first, "monday")
	if _, err := handshake(t, second, source, tls.VersionTLS13); !isUnknown(err) {
		t.Errorf("a server of another authority: %v", err)
	}
	s.issue(first, "tuesday")
	wants(first, "tuesday")
	wants(first, "tuesday")
	if n := strings.Count(log.String(), "TLS files were replaced"); n != 1 {
		t.Errorf("%d lines say that files were replaced, want 1:\n%s", n, log)
	}

	// The certificate of the next day comes before its key.
	cert, key := second.Issue("wednesday", nil)
	s.put(s.files.Cert, cert)
	wants(first, "tuesday")
	wants(first, "tuesday")
	if n := strings.Count(log.String(), "STORE_TLS_KEY does not fit"); n != 1 {
		t.Errorf("%d lines say that the key does not fit, want 1:\n%s", n, log)
	}
	s.put(s.files.Key, key)
	s.put(s.files.CA, second.File)
	wants(second, "wednesday")
	if _, err := handshake(t, first, source, tls.VersionTLS13); !isUnknown(err) {
		t.Errorf("a server of the authority before: %v", err)
	}
	if err := os.Remove(s.files.CA); err != nil {
		t.Fatal(err)
	}
	wants(second, "wednesday")
	if !strings.Contains(log.String(), "STORE_TLS_CA: open ") {
		t.Errorf("the log does not say that a file is gone:\n%s", log)
	}
}

func TestOldVersionsOfTLSAreRefused(t *testing.T) {
	t.Parallel()
	a := servertest.NewAuthority(t, nil)
	source, err := tlsfiles.Open("STORE_TLS", tlsfiles.Files{CA: a.File}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handshake(t, a, source, tls.VersionTLS12); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
	for _, source := range []*tlsfiles.Source{source, nil} {
		if _, err := handshake(t, a, source, tls.VersionTLS11); err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("TLS 1.1: %v", err)
		}
	}
}

func TestWithoutFilesTheSystemVouches(t *testing.T) {
	t.Parallel()
	source, err := tlsfiles.Open("STORE_TLS", tlsfiles.Files{}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil || source.HasCertificate() {
		t.Fatal(source, err)
	}
	if _, err := handshake(t, servertest.NewAuthority(t, nil), source, tls.VersionTLS13); !isUnknown(err) {
		t.Errorf("a server of an authority of one's own: %v", err)
	}
}

func isUnknown(err error) bool {
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	return unknown
}
