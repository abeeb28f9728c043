package tlsfiles_test

import (
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// secretText is a key that must not be seen in any message.
const secretText = "-----BEGIN PRIVATE KEY-----\ncanaryKey0\n-----END PRIVATE KEY-----\n"

func TestMistakesNameTheirSettingAndNoSecret(t *testing.T) {
	t.Parallel()
	a := servertest.NewAuthority(t, nil)
	cert, key := a.Issue("gatehouse", nil)
	_, otherKey := a.Issue("other", nil)
	garbage, empty, secret := write(t, "g.pem", "canaryGarbage"), write(t, "e.pem", ""), write(t, "s.pem", secretText)
	locked := write(t, "l.pem", strings.ReplaceAll(read(t, key), "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"))
	broken := write(t, "b.pem", "-----BEGIN CERTIFICATE-----\ncanaryCert\n-----END CERTIFICATE-----\n")
	utf16 := write(t, "u.pem", "\xff\xfec\x00a\x00n\x00a\x00r\x00y\x00")
	huge := write(t, "h.pem", "")
	if err := os.Truncate(huge, 17<<20); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		files tlsfiles.Files
		want  []string // one line for each, in order
	}{
		"no file":             {tlsfiles.Files{CA: "/nowhere/ca.pem"}, []string{"STORE_TLS_CA: open /nowhere/ca.pem: no such file"}},
		"no file for any":     {tlsfiles.Files{CA: "/n/a", Cert: "/n/b", Key: "/n/c"}, []string{"STORE_TLS_CA: open /n/a", "STORE_TLS_CERT: open /n/b", "STORE_TLS_KEY: open /n/c"}},
		"a folder":            {tlsfiles.Files{CA: "/"}, []string{"STORE_TLS_CA: read /"}},
		"no PEM":              {tlsfiles.Files{CA: garbage}, []string{"STORE_TLS_CA: " + garbage + " has no certificate in PEM"}},
		"empty":               {tlsfiles.Files{CA: empty}, []string{"STORE_TLS_CA: " + empty + " has no certificate"}},
		"UTF-16":              {tlsfiles.Files{CA: utf16}, []string{"STORE_TLS_CA: read " + utf16 + ": the text is UTF-16"}},
		"without an end":      {tlsfiles.Files{CA: huge}, []string{"STORE_TLS_CA: read " + huge + ": has more than 16 MiB"}},
		"half written":        {tlsfiles.Files{CA: write(t, "half.pem", read(t, a.File)+read(t, a.File)[:200])}, []string{"STORE_TLS_CA: "}},
		"glued together":      {tlsfiles.Files{CA: write(t, "glued.pem", read(t, cert)+strings.TrimSpace(read(t, a.File))+read(t, a.File))}, []string{"STORE_TLS_CA: "}},
		"a mark in between":   {tlsfiles.Files{Cert: write(t, "mark.pem", read(t, cert)+"\ufeff"+read(t, a.File)), Key: key}, []string{"STORE_TLS_CERT: "}},
		"a key as authority":  {tlsfiles.Files{CA: key}, []string{"STORE_TLS_CA: " + key + " has no certificate"}},
		"broken certificate":  {tlsfiles.Files{CA: broken}, []string{"STORE_TLS_CA: " + broken + " has "}},
		"no key":              {tlsfiles.Files{Cert: cert}, []string{"STORE_TLS_CERT is set without STORE_TLS_KEY"}},
		"no certificate":      {tlsfiles.Files{Key: key}, []string{"STORE_TLS_KEY is set without STORE_TLS_CERT"}},
		"swapped":             {tlsfiles.Files{Cert: key, Key: cert}, []string{"STORE_TLS_CERT: " + key + " has no certificate", "STORE_TLS_KEY: " + cert + " has no private key"}},
		"another's key":       {tlsfiles.Files{Cert: cert, Key: otherKey}, []string{"STORE_TLS_KEY does not fit STORE_TLS_CERT: " + otherKey + " is not the key of the first certificate in " + cert}},
		"a key that is none":  {tlsfiles.Files{Cert: cert, Key: secret}, []string{"STORE_TLS_KEY: " + secret + " has "}},
		"a locked key":        {tlsfiles.Files{Cert: cert, Key: locked}, []string{"STORE_TLS_KEY: " + locked + " is locked with a passphrase"}},
		"text for a path":     {tlsfiles.Files{Cert: cert, Key: secretText}, []string{"STORE_TLS_KEY: is PEM text; write the path"}},
		"several at once":     {tlsfiles.Files{CA: garbage, Cert: key, Key: garbage}, []string{"STORE_TLS_CA: ", "STORE_TLS_CERT: ", "STORE_TLS_KEY: "}},
		"a key, and no CA":    {tlsfiles.Files{CA: "/n/a", Key: key}, []string{"STORE_TLS_CA: open /n/a", "STORE_TLS_KEY is set without"}},
		"authority and chain": {tlsfiles.Files{CA: a.File, Cert: write(t, "chain.pem", "\ufeff"+read(t, cert)+read(t, a.File)), Key: key}, nil},
		"nothing":             {tlsfiles.Files{}, nil},
	} {
		warnings, err := tt.files.Check("STORE_TLS", time.Now())
		if len(warnings) > 0 {
			t.Errorf("%s: warnings %q", name, warnings)
		}
		source, openErr := tlsfiles.Open("STORE_TLS", tt.files, time.Now, slog.New(slog.DiscardHandler))
		if (err == nil) != (openErr == nil) || (source == nil) != (len(tt.want) > 0 || tt.files == tlsfiles.Files{}) {
			t.Errorf("%s: Check says %v, Open %v, %v", name, err, source, openErr)
		}
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
			t.Errorf("%s: got\n  %s\nwant beginnings\n  %s", name, strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: a file's text is in the message: %v", name, err)
		}
	}
}

func TestCertificatesOfNoUseAreWarnings(t *testing.T) {
	t.Parallel()
	now := time.Now()
	expired := func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }
	early := func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }
	forServers := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	a := servertest.NewAuthority(t, nil)
	issue := func(change func(*x509.Certificate)) tlsfiles.Files {
		cert, key := a.Issue("gatehouse", change)
		return tlsfiles.Files{CA: a.File, Cert: cert, Key: key}
	}
	for name, tt := range map[string]struct {
		files tlsfiles.Files
		want  []string
	}{
		"all is well":            {issue(nil), nil},
		"an old authority":       {tlsfiles.Files{CA: servertest.NewAuthority(t, expired).File}, []string{`TLS_CA: the certificate of "CN=an authority for tests" expired on `}},
		"an early authority":     {tlsfiles.Files{CA: servertest.NewAuthority(t, early).File}, []string{`TLS_CA: the certificate of "CN=an authority for tests" is valid from `}},
		"an old certificate":     {issue(expired), []string{`TLS_CERT: the certificate of "CN=gatehouse" expired on `}},
		"an early certificate":   {issue(early), []string{`TLS_CERT: the certificate of "CN=gatehouse" is valid from `}},
		"one of another use":     {issue(forServers), []string{`TLS_CERT: the certificate of "CN=gatehouse" is not for clients`}},
		"one of two authorities": {tlsfiles.Files{CA: write(t, "two.pem", read(t, a.File)+read(t, servertest.NewAuthority(t, expired).File))}, []string{"TLS_CA: "}},
	} {
		warnings, err := tt.files.Check("TLS", now)
		if err != nil || !slices.EqualFunc(warnings, tt.want, strings.HasPrefix) {
			t.Errorf("%s: %q, %v; want %q", name, warnings, err, tt.want)
		}
	}
}
