package sqlstore

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

func source(t *testing.T, f tlsfiles.Files) *tlsfiles.Source {
	t.Helper()
	s, err := tlsfiles.Open("MYSQL_TLS", f, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A server that refuses who comes without TLS, and a user who needs a certificate.
func TestMySQLOverTLSWithACertificateOfOnesOwn(t *testing.T) {
	t.Parallel()
	a := servertest.NewAuthority(t, nil)
	server := servertest.OwnMariaDBOverTLS(t, a)
	plain := server.Database()
	dsn := plain + "?tls=true"
	cert, key := a.Issue("gatehouse", nil)
	own, other := tlsfiles.Files{CA: a.File, Cert: cert, Key: key}, tlsfiles.Files{CA: servertest.NewAuthority(t, nil).File}
	fails := func(what, dsn string, f tlsfiles.Files, want string) {
		t.Helper()
		db := openDB(t, Config{MySQLDSN: dsn, TLS: source(t, f)})
		err := db.Reach(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	fails("without TLS", plain, tlsfiles.Files{}, "add tls=true") // MariaDB says no more than that access is denied
	fails("the system's authorities", dsn, tlsfiles.Files{}, "MYSQL_TLS_CA names a file")
	fails("another authority", dsn, other, "MYSQL_TLS_CA names a file")
	fails("another name", strings.Replace(dsn, "127.0.0.1", "localhost", 1), own, "MYSQL_TLS_CA names a file")
	if err := openDB(t, Config{MySQLDSN: dsn, TLS: source(t, tlsfiles.Files{CA: a.File})}).Reach(t.Context()); err != nil {
		t.Errorf("with the authority: %v", err)
	}

	server.AsRoot("ALTER USER gatehouse@'127.0.0.1' REQUIRE X509")
	fails("no certificate", dsn, tlsfiles.Files{CA: a.File}, "REQUIRE X509: MYSQL_TLS_CERT and MYSQL_TLS_KEY")
	db := migrated(t, Config{MySQLDSN: dsn, TLS: source(t, own)}) // by the pool of migrations, too
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// A certificate that is replaced counts for the next connection.
func TestMySQLCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	a := servertest.NewAuthority(t, nil)
	server := servertest.OwnMariaDBOverTLS(t, a)
	dsn := server.Database() + "?tls=true"
	server.AsRoot("ALTER USER gatehouse@'127.0.0.1' REQUIRE SUBJECT '/CN=tuesday'")
	monday, mondayKey := a.Issue("monday", nil)
	tuesday, tuesdayKey := a.Issue("tuesday", nil)
	db := openDB(t, Config{MySQLDSN: dsn, TLS: source(t, tlsfiles.Files{CA: a.File, Cert: monday, Key: mondayKey})})
	if err := db.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "Access denied") {
		t.Fatalf("monday's certificate: %v", err)
	}
	for from, to := range map[string]string{tuesday: monday, tuesdayKey: mondayKey} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Reach(t.Context()); err != nil {
		t.Errorf("tuesday's certificate: %v", err)
	}
}
