package sqlconn

import (
	"crypto/x509"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

func TestTLSFilesWantADSNThatVerifies(t *testing.T) {
	t.Parallel()
	a := servertest.NewAuthority(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	source, err := tlsfiles.Open("MYSQL_TLS", tlsfiles.Files{CA: a.File}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for dsn, want := range map[string]string{
		"app:hunter2@tcp(db:3306)/gatehouse?tls=true":                               "",
		"app:hunter2@tcp(db:3306)/gatehouse":                                        "add tls=true",
		"app:hunter2@tcp(db:3306)/gatehouse?tls=false":                              "add tls=true",
		"app:hunter2@tcp(db:3306)/gatehouse?tls=skip-verify":                        "write tls=true",
		"app:hunter2@tcp(db:3306)/gatehouse?tls=preferred":                          "write tls=true",
		"app:hunter2@tcp(db:3306)/gatehouse?allowFallbackToPlaintext=true&tls=true": "write tls=true",
		"app:hunter2@unix(/run/mysqld.sock)/gatehouse":                              "socket of this machine",
		"app:hunter2@unix(/run/mysqld.sock)/gatehouse?tls=true":                     "socket of this machine",
	} {
		db, err := OpenMySQL(dsn, Options{TLS: source, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = db.Close()
		}
		for _, err := range []error{err, CheckDSN(dsn, true)} {
			if (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("%s: %v, want %q", dsn, err, want)
			}
		}
	}
	for dsn, want := range map[string]string{
		"app@tcp(db)/gatehouse": "", "app@tcp(db)/gatehouse?tls=true": "", "app@tcp(db)/gatehouse?tls=preferred": "",
		"app@unix(/run/mysqld.sock)/gatehouse": "", "app@unix(/run/mysqld.sock)/gatehouse?tls=true": "socket of this machine",
	} {
		if err := CheckDSN(dsn, false); (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("without files, %s: %v, want %q", dsn, err, want)
		}
	}
}
