package redisstore_test

import (
	"crypto/x509"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

func overTLS(t *testing.T, url string, f tlsfiles.Files) *redisstore.Store {
	t.Helper()
	source, err := tlsfiles.Open("REDIS_TLS", f, time.Now, slog.New(slog.DiscardHandler))
	must(t, err)
	s, err := redisstore.Open(t.Context(), redisstore.Config{URL: url, TLS: source, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func certified(a *servertest.Authority, change func(*x509.Certificate)) tlsfiles.Files {
	cert, key := a.Issue("gatehouse", change)
	return tlsfiles.Files{CA: a.File, Cert: cert, Key: key}
}

// Servers that want a certificate from everyone who comes, on each way to them.
func TestTLSWithACertificateOfOnesOwn(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *servertest.Authority) string{
		"server":   func(t *testing.T, a *servertest.Authority) string { return servertest.RedisOverTLS(t, a, true).URL },
		"sentinel": func(t *testing.T, a *servertest.Authority) string { return servertest.SentinelOverTLS(t, a).URL },
		"cluster":  func(t *testing.T, a *servertest.Authority) string { return servertest.ClusterOverTLS(t, a, 2).URL },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := servertest.NewAuthority(t, nil)
			url := start(t, a)
			s := overTLS(t, url, certified(a, nil))
			f := sessiontest.Subscribe(t, s, time.Hour)
			for _, user := range []string{"a", "b", "c", "d"} { // of both masters
				x := typical(user, "s", time.Now())
				create(t, s, x)
				r := revocation(x, time.Now())
				must(t, s.End(t.Context(), r))
				f.Expect(t, r)
			}

			for what, tt := range map[string]struct {
				files tlsfiles.Files
				want  string
			}{
				"the system's authorities": {tlsfiles.Files{}, "REDIS_TLS_CA names a file"},
				"another authority":        {tlsfiles.Files{CA: servertest.NewAuthority(t, nil).File}, "REDIS_TLS_CA names a file"},
				"no certificate":           {tlsfiles.Files{CA: a.File}, "REDIS_TLS_CERT and REDIS_TLS_KEY"},
				"an expired one":           {certified(a, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "expired certificate"},
			} {
				_, err := overTLS(t, url, tt.files).Get(t.Context(), "u", "s")
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v, want %q", what, err, tt.want)
				}
			}
		})
	}
}

// A certificate that is replaced counts for the next connection.
func TestCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	a := servertest.NewAuthority(t, nil)
	server := servertest.RedisOverTLS(t, a, true)
	files := certified(servertest.NewAuthority(t, nil), nil)
	files.CA = a.File
	s := overTLS(t, server.URL, files)
	if _, err := s.Get(t.Context(), "u", "s"); err == nil {
		t.Fatal("a certificate of another authority is taken")
	}
	right := certified(a, nil)
	must(t, os.Rename(right.Cert, files.Cert))
	must(t, os.Rename(right.Key, files.Key))
	must(t, s.Ping(t.Context()))
}

// A server is taken for what its certificate says: another one's, of the same
// authority, is not enough.
func TestServersHaveTheNameOfTheURL(t *testing.T) {
	t.Parallel()
	a := servertest.NewAuthority(t, nil)
	server := servertest.RedisOverTLS(t, a, false) // its certificate is for 127.0.0.1
	for host, works := range map[string]bool{"127.0.0.1": true, "localhost": false} {
		err := overTLS(t, strings.Replace(server.URL, "127.0.0.1", host, 1), tlsfiles.Files{CA: a.File}).Ping(t.Context())
		if (err == nil) != works {
			t.Errorf("%s: %v", host, err)
		}
	}
}
