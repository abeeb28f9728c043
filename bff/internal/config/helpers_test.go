package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// Values that must never be shown; they are valid secrets.
const (
	accessCanary   = "kEw7-canary-access-Zp04mVtQ8sXyB1nL"
	refreshCanary  = "uR2d-canary-refresh-T9hJc5WoGa3fKqIe"
	olderCanary    = "vY6o-canary-older-Mb8sN1xPdH4lUzCg7"
	identityCanary = "-----BEGIN PRIVATE KEY-----\ncanaryIdentity\n-----END PRIVATE KEY-----\n"
	dsnCanary      = "gatehouse:canary-dsn@tcp(mysql:3306)/gatehouse"
	redisCanary    = "redis://:canary-redis@redis:6379/0"
)

// environment holds variables as the operator writes them.
type environment map[string]string

// production is a complete environment without mistakes.
func production() environment {
	return environment{
		"PUBLIC_URL": "https://app.example.com", "MYSQL_DSN": dsnCanary, "REDIS_URL": redisCanary,
		"JWT_ACCESS_SECRET": accessCanary, "JWT_REFRESH_SECRET": refreshCanary, "IDENTITY_KEY": identityCanary,
	}
}

// with returns a changed copy. An empty value unsets.
func (e environment) with(changes environment) environment {
	out := maps.Clone(e)
	maps.Copy(out, changes)
	return out
}

func (e environment) get(name string) string { return e[name] }

func load(t *testing.T, e environment) *config.Config {
	t.Helper()
	c, err := config.Load(e.get)
	if err != nil {
		t.Fatalf("with %v:\n%v", e, err)
	}
	return c
}

// mistakes asserts that Load fails, and returns the lines of its error.
func mistakes(t *testing.T, e environment) []string {
	t.Helper()
	_, err := config.Load(e.get)
	if err == nil {
		t.Errorf("no mistake found in %v", e)
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// onlyMistake asserts that Load reports this mistake and no other: a second one
// about the same setting would mislead the operator.
func onlyMistake(t *testing.T, what string, e environment, want string) {
	t.Helper()
	got := mistakes(t, e)
	if len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("%s: want one mistake with %q, got:\n  %s", what, want, strings.Join(got, "\n  "))
	}
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// appFolder is a folder with a built app.
func appFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
