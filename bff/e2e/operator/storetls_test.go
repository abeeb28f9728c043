package operator

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// Stores that want certificates of their clients: the product signs people up and
// in, and goes on when its certificates are replaced.
func TestStoresWantCertificates(t *testing.T) {
	t.Parallel()
	authority := servertest.NewAuthority(t, nil)
	maria, redis := servertest.OwnMariaDBOverTLS(t, authority), servertest.RedisOverTLS(t, authority, true)
	dsn := maria.Database() + "?tls=true"
	maria.AsRoot("ALTER USER gatehouse@'127.0.0.1' REQUIRE X509")
	file, dir := site.BuildBinary(t), t.TempDir()
	secrets, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.WriteFiles(dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	cert, key := authority.Issue("gatehouse", nil)
	env := []string{
		"MYSQL_DSN", dsn, "REDIS_URL", redis.URL, "MYSQL_TLS_CA", authority.File, "REDIS_TLS_CA", authority.File,
		"JWT_ACCESS_SECRET_FILE", dir + "/JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET_FILE", dir + "/JWT_REFRESH_SECRET", "IDENTITY_KEY_FILE", dir + "/IDENTITY_KEY",
	}
	s := site.StartBinary(t, file, append(env, "MYSQL_TLS_CERT", cert, "MYSQL_TLS_KEY", key, "REDIS_TLS_CERT", cert, "REDIS_TLS_KEY", key)...)
	b := s.Member("ada@example.com")
	b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)

	// Redis comes back, so that all connections to it are new.
	next, nextKey := authority.Issue("gatehouse", nil)
	for from, to := range map[string]string{next: cert, nextKey: key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	redis.Stop()
	redis.Start()
	s.Eventually("a renewal by the new certificate", func() bool { return b.Do("POST", "/api/auth/refresh", nil).StatusCode == 200 })
	if !strings.Contains(s.Logs.String(), "TLS files were replaced") {
		t.Errorf("the log does not say that the files were replaced:\n%s", s.Logs)
	}

	t.Run("without a certificate it ends and says so", func(t *testing.T) {
		s := site.NewBinary(t, file, env...)
		s.Launch()
		s.Eventually("the end", s.HasExited)
		if log := s.Logs.String(); s.Cmd.ProcessState.ExitCode() != 1 || !strings.Contains(log, "REQUIRE X509: MYSQL_TLS_CERT and MYSQL_TLS_KEY") {
			t.Errorf("exit code %d:\n%s", s.Cmd.ProcessState.ExitCode(), log)
		}
	})
}
