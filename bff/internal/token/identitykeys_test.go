package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

func pemBlock(kind string, der []byte, err error) string {
	if err != nil {
		panic(err) // the test made the key itself
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(key crypto.PrivateKey) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pemBlock("PRIVATE KEY", der, err)
}

func sec1(key *ecdsa.PrivateKey) string {
	der, err := x509.MarshalECPrivateKey(key)
	return pemBlock("EC PRIVATE KEY", der, err)
}

func public(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pemBlock("PUBLIC KEY", der, err)
}

// What `openssl ecparam -name prime256v1 -genkey` writes before the key.
const ecParameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"

func TestParseIdentityKeys(t *testing.T) {
	t.Parallel()
	a, b := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	for name, c := range map[string]struct {
		text string
		want []*ecdsa.PrivateKey
	}{
		"PKCS 8":                       {pkcs8(a), []*ecdsa.PrivateKey{a}},
		"SEC 1":                        {sec1(a), []*ecdsa.PrivateKey{a}},
		"two, the first one first":     {pkcs8(b) + pkcs8(a), []*ecdsa.PrivateKey{b, a}},
		"two of two forms":             {sec1(a) + pkcs8(b), []*ecdsa.PrivateKey{a, b}},
		"with openssl's parameters":    {ecParameters + sec1(a), []*ecdsa.PrivateKey{a}},
		"Windows line ends":            {strings.ReplaceAll(pkcs8(a)+pkcs8(b), "\n", "\r\n"), []*ecdsa.PrivateKey{a, b}},
		"no line break at the end":     {strings.TrimSpace(pkcs8(a)), []*ecdsa.PrivateKey{a}},
		"with words around the blocks": {"the newer\n" + pkcs8(a) + "the older\n" + pkcs8(b) + "end\n", []*ecdsa.PrivateKey{a, b}},
	} {
		got, err := token.ParseIdentityKeys([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %d keys, want %d", name, len(got), len(c.want))
			continue
		}
		for n := range got {
			if !got[n].Equal(c.want[n]) {
				t.Errorf("%s: key %d is another one", name, n+1)
			}
		}
	}
}

func TestParseIdentityKeysRefuses(t *testing.T) {
	t.Parallel()
	good := newKey(t, elliptic.P256())
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	whole := pkcs8(good)
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                   {"", "`gatehouse keys` prints one"},
		"words":                     {"my identity key", "no PEM block"},
		"a secret instead of a key": {accessSecret, "no PEM block"},
		"parameters only":           {ecParameters, "no PEM block"},
		"garbage in a block":        {pemBlock("PRIVATE KEY", []byte("garbage"), nil), "PEM block 1"},
		"garbage in the second":     {whole + pemBlock("EC PRIVATE KEY", []byte("garbage"), nil), "PEM block 2"},
		"P-384, PKCS 8":             {pkcs8(newKey(t, elliptic.P384())), "P-384"},
		"P-384, SEC 1":              {sec1(newKey(t, elliptic.P384())), "P-384"},
		"P-521 as the older key":    {whole + pkcs8(newKey(t, elliptic.P521())), "P-521"},
		"P-224":                     {sec1(newKey(t, elliptic.P224())), "P-224"},
		"RSA":                       {pkcs8(rsaKey), "rsa"},
		"RSA, PKCS 1":               {pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), "not a private key"},
		"Ed25519":                   {pkcs8(edKey), "ed25519"},
		"a public key":              {public(&good.PublicKey), "not a private key"},
		"a key and a public key":    {whole + public(&good.PublicKey), "PEM block 2"},
		"an encrypted key":          {pemBlock("ENCRYPTED PRIVATE KEY", []byte("x"), nil), "not a private key"},
		"cut off":                   {whole[:len(whole)-30], "damaged"},
		"a second one, cut off":     {whole + whole[:len(whole)-30], "damaged"},
		"a first one, cut off":      {whole[:len(whole)-30] + "\n" + whole, "damaged"},
		"line breaks lost":          {strings.ReplaceAll(whole, "\n", " "), "damaged"},
	} {
		keys, err := token.ParseIdentityKeys([]byte(c.text))
		if err == nil || len(keys) > 0 {
			t.Errorf("%s: %d keys, no error", name, len(keys))
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q does not say %q", name, err, c.want)
		}
		if strings.Contains(err.Error(), accessSecret) {
			t.Errorf("%s: the message shows the value: %v", name, err)
		}
	}
}

func TestNewRefusesIdentityKeysOnAnotherCurve(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	c.IdentityKeys = append(c.IdentityKeys, newKey(t, elliptic.P384()))
	if _, err := token.New(c); err == nil || !strings.Contains(err.Error(), "identity key 2 is on P-384") {
		t.Error(err)
	}
}
