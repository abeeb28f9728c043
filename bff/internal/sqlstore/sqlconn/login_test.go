package sqlconn

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestLoginIsAllThatMayChange(t *testing.T) {
	// What a cloud gives in the place of a password, good for minutes.
	token := "db.example.eu-west-1.rds.amazonaws.com:3306/?Action=connect&DBUser=app&X-Amz-Security-Token=FwoGZ%2F%2B&X-Amz-Signature=0a%3D"
	const before = "app:hunter1@tcp(db:3306)/gatehouse?tls=true&allowCleartextPasswords=true"
	p, err := OpenMySQL(before, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for dsn, same := range map[string]bool{
		before: true,
		"app:hunter2@tcp(db:3306)/gatehouse?tls=true&allowCleartextPasswords=true":                   true,
		"app:" + token + "@tcp(db:3306)/gatehouse?allowCleartextPasswords=true&tls=true":             true,
		"bob@tcp(db:3306)/gatehouse?tls=true&allowCleartextPasswords=true":                           true,
		"app:hunter2@tcp(db2:3306)/gatehouse?tls=true&allowCleartextPasswords=true":                  false,
		"app:hunter2@tcp(db:3307)/gatehouse?tls=true&allowCleartextPasswords=true":                   false,
		"app:hunter2@tcp(db:3306)/other?tls=true&allowCleartextPasswords=true":                       false,
		"app:hunter2@tcp(db:3306)/gatehouse?tls=skip-verify&allowCleartextPasswords=true":            false,
		"app:hunter2@tcp(db:3306)/gatehouse?tls=true&allowCleartextPasswords=true&wsrep_sync_wait=1": false,
	} {
		put, err := p.NewLogin(dsn)
		if (err == nil) != same || (put != nil) != same || err != nil && !errors.Is(err, ErrOtherDatabase) {
			t.Errorf("%s: %v", dsn, err)
		}
		if same {
			put()
			if want, err := mysql.ParseDSN(dsn); err != nil || p.login.Current().Password != want.Passwd {
				t.Errorf("%s: another password (%v)", dsn, err)
			}
		}
	}
	if put, err := p.NewLogin("app:hunter2@tcp(db:3306/gatehouse"); err == nil || put != nil || errors.Is(err, ErrOtherDatabase) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
