package sqlstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// A password that is changed while connections are open: they go on, and those
// that come after use the new one, also one for a migration.
func TestLoginIsChangedWhileTheDatabaseIsOpen(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	cfg, err := mysql.ParseDSN(server.Database())
	if err != nil {
		t.Fatal(err)
	}
	login := func(password string) string {
		with := cfg.Clone()
		with.User, with.Passwd = "rotated", password
		return with.FormatDSN()
	}
	server.AsRoot("CREATE USER rotated@'127.0.0.1' IDENTIFIED BY 'older'", "GRANT ALL ON `"+cfg.DBName+"`.* TO rotated@'127.0.0.1'")
	db := migrated(t, Config{MySQLDSN: login("older"), MaxConnections: 2})
	connection := func() (id int64, err error) {
		err = db.orm.Raw("SELECT CONNECTION_ID()").Scan(&id).Error
		return id, err
	}
	hangUp := func(id int64) {
		t.Helper()
		server.AsRoot(fmt.Sprintf("KILL CONNECTION %d", id))
	}
	id, err := connection()
	if err != nil {
		t.Fatal(err)
	}
	server.AsRoot("ALTER USER rotated@'127.0.0.1' IDENTIFIED BY 'newer'")
	if after, err := connection(); err != nil || after != id {
		t.Errorf("a connection from before: %d, %v", after, err)
	}
	put, err := db.NewLogin(login("newer"))
	if err != nil {
		t.Fatal(err)
	}
	hangUp(id)
	if _, err := connection(); err == nil || sqlconn.Away(err) || strings.Contains(err.Error(), "older") {
		t.Errorf("it is read, and not yet in force: %v", err)
	}
	put()
	if after, err := connection(); err != nil || after == id {
		t.Errorf("the new password: %d, %v", after, err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
}

// A password that was replaced where it is written, and nobody said so: no
// question is lost.
func TestRefusedLoginIsReadAgain(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	cfg, err := mysql.ParseDSN(server.Database())
	if err != nil {
		t.Fatal(err)
	}
	login := func(password string) string {
		with := cfg.Clone()
		with.User, with.Passwd = "rotated", password
		return with.FormatDSN()
	}
	written := login("older")
	server.AsRoot("CREATE USER rotated@'127.0.0.1' IDENTIFIED BY 'older'", "GRANT ALL ON `"+cfg.DBName+"`.* TO rotated@'127.0.0.1'")
	db := migrated(t, Config{MySQLDSN: login("older"), RereadDSN: func() (string, error) {
		if written == "" {
			return "", errors.New("no file")
		}
		return written, nil
	}})
	ping := func() error { return db.Ping(t.Context()) }
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	written = login("newer")
	server.AsRoot("ALTER USER rotated@'127.0.0.1' IDENTIFIED BY 'newer'", "KILL USER rotated")
	if err := ping(); err != nil {
		t.Errorf("the first question: %v", err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
	server.AsRoot("ALTER USER rotated@'127.0.0.1' IDENTIFIED BY 'newest'", "KILL USER rotated")
	for _, of := range []string{login("newer"), login("wrong"), "app:newest@tcp(elsewhere)/gatehouse", ""} {
		written = of
		if err := ping(); err == nil || !sqlconn.RefusedLogin(err) {
			t.Errorf("with %s: %v", of, err)
		}
	}
	written = login("newest")
	if err := ping(); err != nil {
		t.Error(err)
	}
}
