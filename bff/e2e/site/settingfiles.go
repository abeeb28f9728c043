package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// SettingFiles are settings of a product, each in a file that an operator writes.
type SettingFiles struct {
	t   *testing.T
	Dir string
}

// MoveToFiles moves settings out of an environment.
func MoveToFiles(t *testing.T, env map[string]string, names ...string) SettingFiles {
	t.Helper()
	f := SettingFiles{t, t.TempDir()}
	for _, name := range names {
		f.Set(name, strings.ReplaceAll(env[name], `\n`, "\n"))
		delete(env, name)
		env[name+"_FILE"] = f.Path(name)
	}
	return f
}

func (f SettingFiles) Path(name string) string { return filepath.Join(f.Dir, name) }

func (f SettingFiles) Get(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.Path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// Set replaces a file as an operator should: by renaming.
func (f SettingFiles) Set(name, value string) {
	f.t.Helper()
	if err := os.WriteFile(f.Path(name)+".new", []byte(value+"\n"), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.Path(name)+".new", f.Path(name)); err != nil {
		f.t.Fatal(err)
	}
}

// Pairs are an environment as StartBinary takes it.
func Pairs(env map[string]string) (all []string) {
	for name, value := range env {
		all = append(all, name, value)
	}
	return all
}

// SecretNames end with the one that signs out who did not come while it was replaced.
var SecretNames = []string{"JWT_ACCESS_SECRET", "IDENTITY_KEY", "JWT_REFRESH_SECRET"}
