package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Secrets are the keys that sign tokens.
type Secrets struct {
	Access, Refresh []config.Secret
	Identity        config.Secret // PEM
}

const secretBytes = 32

// NewSecrets makes fresh ones.
func NewSecrets() (Secrets, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Secrets{}, fmt.Errorf("make identity key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Secrets{}, fmt.Errorf("make identity key: %w", err)
	}
	random := func() []config.Secret {
		b := make([]byte, secretBytes)
		rand.Read(b) // never fails (crypto/rand)
		return []config.Secret{config.Secret(base64.RawURLEncoding.EncodeToString(b))}
	}
	return Secrets{
		Access: random(), Refresh: random(),
		Identity: config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, nil
}

// Env formats the secrets as .env lines, which have no line breaks inside.
func (s Secrets) Env() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "JWT_ACCESS_SECRET=%s\n", s.Access[0].Reveal())
	fmt.Fprintf(&b, "JWT_REFRESH_SECRET=%s\n", s.Refresh[0].Reveal())
	fmt.Fprintf(&b, "IDENTITY_KEY=\"%s\"\n", strings.ReplaceAll(s.Identity.Reveal(), "\n", `\n`))
	return b.Bytes()
}

// secretsFor returns the configured secrets. In embedded mode, missing ones are read
// from the file in DATA_DIR, which the first start writes: a restart must not sign
// people out.
func secretsFor(c *config.Config) (Secrets, error) {
	s := Secrets{Access: c.AccessSecrets, Refresh: c.RefreshSecrets, Identity: c.IdentityKey}
	if !c.Embedded || len(s.Access) > 0 && len(s.Refresh) > 0 && s.Identity != "" {
		return s, nil
	}
	kept, err := keptSecrets(filepath.Join(c.DataDir, datadir.SecretsFile))
	if err != nil {
		return Secrets{}, err
	}
	return s.or(kept), nil
}

// or fills missing secrets from others.
func (s Secrets) or(others Secrets) Secrets {
	if len(s.Access) == 0 {
		s.Access = others.Access
	}
	if len(s.Refresh) == 0 {
		s.Refresh = others.Refresh
	}
	if s.Identity == "" {
		s.Identity = others.Identity
	}
	return s
}

// tokens makes the configuration of package token.
func (s Secrets) tokens(c *config.Config) (token.Config, error) {
	identity, err := token.ParseIdentityKeys([]byte(s.Identity.Reveal()))
	if err != nil {
		return token.Config{}, fmt.Errorf("IDENTITY_KEY: %w", err)
	}
	reveal := func(list []config.Secret) (out [][]byte) {
		for _, s := range list {
			out = append(out, []byte(s.Reveal()))
		}
		return out
	}
	return token.Config{
		Issuer: c.PublicURL.String(), AccessKeys: reveal(s.Access), RefreshKeys: reveal(s.Refresh), IdentityKeys: identity,
	}, nil
}

func keptSecrets(file string) (Secrets, error) {
	content, err := textfile.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecrets(file)
	}
	if err != nil {
		return Secrets{}, err
	}
	values := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[name] = strings.Trim(value, `"`)
	}
	c, err := config.Load(func(name string) string { return values[name] })
	if err != nil || len(c.AccessSecrets) == 0 || len(c.RefreshSecrets) == 0 || c.IdentityKey == "" {
		return Secrets{}, fmt.Errorf("%s is damaged; restore it, or remove it and all users sign in again (%v)", file, err)
	}
	return Secrets{Access: c.AccessSecrets, Refresh: c.RefreshSecrets, Identity: c.IdentityKey}, nil
}

func makeSecrets(file string) (Secrets, error) {
	s, err := NewSecrets()
	if err != nil {
		return Secrets{}, err
	}
	return s, textfile.WriteWhole(file, string(s.Env()))
}
