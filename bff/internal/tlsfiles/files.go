// Package tlsfiles makes TLS configurations of PEM files that are replaced while
// the process runs: an authority, and a client's certificate with its key.
package tlsfiles

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// Files are paths of PEM files, "" for those that there are not.
type Files struct {
	CA   string // authorities that vouch for the server; "": those of the system
	Cert string // the client's certificate, with those between it and its authority
	Key  string // goes together with Cert
}

// Check says what is wrong with the files, all of it, and what is right but will
// not work at now. Each text begins with the name of a setting: prefix and _CA,
// _CERT or _KEY.
func (f Files) Check(prefix string, now time.Time) (warnings []string, err error) {
	l, err := f.load(prefix)
	if err != nil {
		return nil, err
	}
	return l.warnings(prefix, now), nil
}

// loaded is what the files hold.
type loaded struct {
	texts  [3][]byte      // as they were read: of CA, Cert and Key
	roots  *x509.CertPool // nil: those of the system
	cas    []*x509.Certificate
	client *tls.Certificate // nil: none
}

// load reads all files before it says what is wrong, so that all is said.
func (f Files) load(prefix string) (*loaded, error) {
	texts, err := f.read(prefix)
	if err != nil {
		return nil, err
	}
	return f.parse(prefix, texts)
}

func (f Files) read(prefix string) (texts [3][]byte, err error) {
	var mistakes []error
	for i, file := range []struct{ name, path string }{{"_CA", f.CA}, {"_CERT", f.Cert}, {"_KEY", f.Key}} {
		text, err := readFile(file.path)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s%s: %w", prefix, file.name, err))
		}
		texts[i] = text
	}
	switch {
	case f.Cert != "" && f.Key == "":
		mistakes = append(mistakes, fmt.Errorf("%[1]s_CERT is set without %[1]s_KEY: name the file with the certificate's private key there", prefix))
	case f.Cert == "" && f.Key != "":
		mistakes = append(mistakes, fmt.Errorf("%[1]s_KEY is set without %[1]s_CERT: name the file with the key's certificate there", prefix))
	}
	return texts, errors.Join(mistakes...)
}

// readFile never repeats a value that is not a path: it may be the key itself.
func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	if strings.Contains(path, "-----BEGIN") {
		return nil, errors.New("is PEM text; write the path of the file that holds it (in this setting itself, not with _FILE)")
	}
	return textfile.Read(path)
}

func (f Files) parse(prefix string, texts [3][]byte) (*loaded, error) {
	var mistakes []error
	l := &loaded{texts: texts}
	if f.CA != "" {
		var err error
		if l.cas, err = certificates(texts[0]); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s_CA: %s %w", prefix, f.CA, err))
		}
		l.roots = x509.NewCertPool()
		for _, ca := range l.cas {
			l.roots.AddCert(ca)
		}
	}
	if f.Cert != "" && f.Key != "" {
		_, certErr := certificates(texts[1])
		if certErr != nil {
			mistakes = append(mistakes, fmt.Errorf("%s_CERT: %s %w", prefix, f.Cert, certErr))
		}
		keyErr := checkKey(texts[2])
		if keyErr != nil {
			mistakes = append(mistakes, fmt.Errorf("%s_KEY: %s %w", prefix, f.Key, keyErr))
		}
		if certErr == nil && keyErr == nil {
			pair, err := tls.X509KeyPair(texts[1], texts[2])
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("%[1]s_KEY does not fit %[1]s_CERT: %[2]s is not the key of the first certificate in %[3]s (%[4]w)", prefix, f.Key, f.Cert, err))
			}
			l.client = &pair
		}
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return l, nil
}

// certificates reads those of a PEM text; there is at least one.
func certificates(text []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("has a certificate that cannot be read: %w", err)
		}
		all = append(all, c)
	}
	// Of a file that is being written, or glued together without line breaks, the
	// rest was left out without a word: an authority was missing.
	if begun := bytes.Count(text, []byte("-----BEGIN CERTIFICATE-----")); begun > len(all) && len(all) > 0 {
		return nil, fmt.Errorf("has %d certificates, and %d that can be read: each needs its BEGIN and END on lines of their own, and the whole text between them", begun, len(all))
	}
	if len(all) == 0 {
		return nil, errors.New(`has no certificate in PEM: want a block that begins with "-----BEGIN CERTIFICATE-----"`)
	}
	return all, nil
}

// checkKey looks for a private key that can be read. What the parser says of one
// that cannot is kept back: it may be about the key.
func checkKey(text []byte) error {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return errors.New("is locked with a passphrase: write the key without one (openssl pkey -in KEY -out NEW)")
		}
		if block.Type != "PRIVATE KEY" && !strings.HasSuffix(block.Type, " PRIVATE KEY") {
			continue
		}
		_, err8 := x509.ParsePKCS8PrivateKey(block.Bytes)
		_, errEC := x509.ParseECPrivateKey(block.Bytes)
		_, err1 := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err8 != nil && errEC != nil && err1 != nil {
			return errors.New("has a private key that cannot be read: want PKCS #8, PKCS #1 or SEC 1")
		}
		return nil
	}
	return errors.New(`has no private key in PEM: want a block that begins with "-----BEGIN PRIVATE KEY-----"`)
}

// warnings are about certificates that the other side will refuse, or that will
// not vouch for it.
func (l *loaded) warnings(prefix string, now time.Time) (all []string) {
	for _, ca := range l.cas {
		if why := outOfDate(ca, now); why != "" {
			all = append(all, fmt.Sprintf("%s_CA: the certificate of %q %s: it vouches for no server", prefix, name(ca), why))
		}
	}
	if l.client == nil {
		return all
	}
	leaf := l.client.Leaf
	if why := outOfDate(leaf, now); why != "" {
		all = append(all, fmt.Sprintf("%s_CERT: the certificate of %q %s: the server will refuse it", prefix, name(leaf), why))
	}
	if uses := leaf.ExtKeyUsage; len(uses) > 0 && !slices.Contains(uses, x509.ExtKeyUsageClientAuth) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
		all = append(all, fmt.Sprintf("%s_CERT: the certificate of %q is not for clients (extended key usage clientAuth): most servers will refuse it", prefix, name(leaf)))
	}
	return all
}

func outOfDate(c *x509.Certificate, now time.Time) string {
	switch {
	case now.After(c.NotAfter):
		return "expired on " + c.NotAfter.UTC().Format(time.DateTime) + " UTC"
	case now.Before(c.NotBefore):
		return "is valid from " + c.NotBefore.UTC().Format(time.DateTime) + " UTC only"
	}
	return ""
}

func name(c *x509.Certificate) string { return c.Subject.String() }

func (l *loaded) holds(texts [3][]byte) bool {
	return slices.EqualFunc(l.texts[:], texts[:], bytes.Equal)
}
