package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// settingFiles are settings of a product, each in a file that an operator writes.
type settingFiles struct {
	t   *testing.T
	dir string
}

// inFiles moves settings out of an environment.
func inFiles(t *testing.T, env map[string]string, names ...string) settingFiles {
	t.Helper()
	f := settingFiles{t, t.TempDir()}
	for _, name := range names {
		f.set(name, strings.ReplaceAll(env[name], `\n`, "\n"))
		delete(env, name)
		env[name+"_FILE"] = f.path(name)
	}
	return f
}

func (f settingFiles) path(name string) string { return filepath.Join(f.dir, name) }

func (f settingFiles) get(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// set replaces a file as an operator should: by renaming.
func (f settingFiles) set(name, value string) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name)+".new", []byte(value+"\n"), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path(name)+".new", f.path(name)); err != nil {
		f.t.Fatal(err)
	}
}

// pairs are an environment as startBinary takes it.
func pairs(env map[string]string) (all []string) {
	for name, value := range env {
		all = append(all, name, value)
	}
	return all
}

// theSecrets end with the one that signs out who did not come while it was replaced.
var theSecrets = []string{"JWT_ACCESS_SECRET", "IDENTITY_KEY", "JWT_REFRESH_SECRET"}
