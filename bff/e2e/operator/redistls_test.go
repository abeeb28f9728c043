package operator

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// aclRule is what operations.md tells an operator to give Gatehouse in Redis.
func aclRule(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(site.RepoFile("bff/docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`(?m)^ACL SETUSER gatehouse .+$`).Find(text)
	if rule == nil {
		t.Fatal("operations.md has no line that begins with ACL SETUSER gatehouse")
	}
	return string(rule)
}

// The documented user of Redis, over TLS, is enough for everything that is done
// there, and for nothing else.
func TestRedisOverTLSAsTheDocumentedUser(t *testing.T) {
	authority := servertest.NewAuthority(t, nil)
	redis := servertest.RedisOverTLS(t, authority, false)
	const password = "a-password-of-the-test"
	if got := redis.Ask(strings.Replace(aclRule(t), ">PASSWORD", ">"+password, 1)); got != "+OK" {
		t.Fatalf("ACL SETUSER: %s", got)
	}
	file, dir := site.BuildBinary(t), t.TempDir()
	secrets, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.WriteFiles(dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"MYSQL_DSN", servertest.MariaDB(t), "REDIS_URL", strings.Replace(redis.URL, "rediss://", "rediss://gatehouse:"+password+"@", 1),
		"JWT_ACCESS_SECRET_FILE", dir + "/JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET_FILE", dir + "/JWT_REFRESH_SECRET", "IDENTITY_KEY_FILE", dir + "/IDENTITY_KEY",
	}

	// SSL_CERT_FILE is Go's name for the file with the authorities that count.
	s := site.StartBinary(t, file, append(env, "SSL_CERT_FILE", authority.File)...)
	b := s.Member("ada@example.com")
	other := s.Browser()
	other.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 200)
	b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
	b.Do("GET", "/api/auth/sessions", nil).Want(t, 200)
	b.Do("PUT", "/api/auth/password", site.Object{"currentPassword": site.Password, "newPassword": "another heron on the mill pond"}).Want(t, 204)
	other.Do("GET", "/api/auth/me", nil).Want(t, 401, "session_revoked")
	s.Browser().Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 401, "invalid_credentials")
	b.Do("POST", "/api/auth/logout-all", nil).Want(t, 204)
	if log := s.Logs.String(); strings.Contains(log, "NOPERM") || strings.Contains(log, password) {
		t.Errorf("it logged:\n%s", log)
	}
	if denied := redis.Ask("ACL LOG 1"); denied != "*0" {
		t.Errorf("something was refused: %s", denied)
	}

	t.Run("a certificate that nobody vouches for is not taken", func(t *testing.T) {
		s := site.StartBinary(t, file, env...)
		s.Browser().Do("POST", "/api/auth/register", site.Credentials("bob@example.com")).Want(t, 201)
		s.Browser().Do("POST", "/api/auth/login", site.Credentials("bob@example.com")).Want(t, 503, "session_store_unavailable")
		if !strings.Contains(s.Logs.String(), "certificate") {
			t.Errorf("the log does not say why:\n%s", s.Logs)
		}
	})
}
