package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

func embeddedIn(t *testing.T, dir string) *config.Config {
	t.Helper()
	c, err := config.Load(func(name string) string { return map[string]string{"DATA_DIR": dir}[name] })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecretsAreMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first, err := secretsFor(embeddedIn(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	again, err := secretsFor(embeddedIn(t, dir))
	if err != nil || !cmp.Equal(first, again) {
		t.Errorf("a restart has other secrets (%v)", err)
	}
	other, err := secretsFor(embeddedIn(t, t.TempDir()))
	if err != nil || other.Access[0] == first.Access[0] || other.Identity == first.Identity {
		t.Errorf("two installations share secrets (%v)", err)
	}
	if first.Access[0] == first.Refresh[0] {
		t.Error("one secret for two kinds of token")
	}
	if _, err := token.ParseIdentityKeys([]byte(first.Identity.Reveal())); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v: the temporary one must be gone", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestConfiguredSecretsWinOverKeptOnes(t *testing.T) {
	c := embeddedIn(t, t.TempDir())
	c.AccessSecrets = []config.Secret{"configured by the operator, 32 bytes"}
	s, err := secretsFor(c)
	if err != nil || s.Access[0] != c.AccessSecrets[0] || len(s.Refresh) != 1 || s.Identity == "" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestDamagedSecretsAreNotReplaced(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "cut": "JWT_ACCESS_SECRET=0123", "something else": "hello\n"} {
		dir := t.TempDir()
		file := filepath.Join(dir, datadir.SecretsFile)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := secretsFor(embeddedIn(t, dir))
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
		if now, _ := os.ReadFile(file); string(now) != text {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
}

func TestProductionMakesNoSecrets(t *testing.T) {
	dir := t.TempDir()
	c := embeddedIn(t, dir)
	c.Embedded = false
	if s, err := secretsFor(c); err != nil || len(s.Access) != 0 || s.Identity != "" {
		t.Errorf("%v, %v", s, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("files %v", files)
	}
}

// Saved by an editor on Windows, it was "damaged", and everybody signed out.
func TestSecretsSavedWithAByteOrderMarkAreKept(t *testing.T) {
	dir := t.TempDir()
	first, err := secretsFor(embeddedIn(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, datadir.SecretsFile)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("\ufeff"+strings.ReplaceAll(string(text), "\n", "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := secretsFor(embeddedIn(t, dir)); err != nil || !cmp.Equal(first, again) {
		t.Errorf("other secrets (%v)", err)
	}
}
