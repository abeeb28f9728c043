package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlchecks"
)

// examine gives what the checks find, by their names.
func examine(t *testing.T, db *DB, o sqlchecks.Options) map[string]doctor.Finding {
	t.Helper()
	found := map[string]doctor.Finding{}
	for _, f := range doctor.Run(t.Context(), patience, db.Checks(o)) {
		t.Logf("%s %s: %s (%s)", f.State, f.Check, f.Found, f.Fix)
		found[f.Check] = f
		if (f.State == doctor.OK) != (f.Fix == "") {
			t.Errorf("%s is %s, with the fix %q", f.Check, f.State, f.Fix)
		}
	}
	return found
}

// wants compares some findings, given as name, state, part of the text.
func wants(t *testing.T, found map[string]doctor.Finding, lines ...[3]string) {
	t.Helper()
	for _, w := range lines {
		f, ok := found[w[0]]
		if !ok || string(f.State) != w[1] || !strings.Contains(f.Found+" "+f.Fix, w[2]) {
			t.Errorf("%s is %s: %s; want %s, %q", w[0], f.State, f.Found, w[1], w[2])
		}
	}
}

// real is a database by the clock of the machine, as the server's is.
func real(t *testing.T, dsn string) *DB {
	t.Helper()
	return migrated(t, Config{MySQLDSN: dsn, Now: time.Now})
}

func TestAHealthyServerHasNoFinding(t *testing.T) {
	db := real(t, servertest.MariaDB(t))
	found := examine(t, db, sqlchecks.Options{})
	for _, f := range found {
		if f.State != doctor.OK {
			t.Errorf("%s: %s", f.Check, f.Found)
		}
	}
	wants(t, found, [3]string{"mysql.version", "ok", "MariaDB 10."}, [3]string{"mysql.tls", "ok", "this machine"},
		[3]string{"mysql.connections", "ok", "2 instances (assumed; --instances says it) × 25 connections = 50 of max_connections 151"},
		[3]string{"mysql.cluster", "ok", "no Galera"}, [3]string{"mysql.trail", "ok", "no events yet"})
}

func TestChecksOfAServerInTrouble(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	t.Run("too few rights", func(t *testing.T) { rightsOfAnAccount(t, server) })
	t.Run("read-only", func(t *testing.T) { readOnlyServer(t, server) })
	t.Run("absent, which is reported once", func(t *testing.T) { absentServer(t, server) })
}

func absentServer(t *testing.T, server *servertest.MariaDBHandle) {
	db := real(t, server.Database())
	server.Stop()
	found := examine(t, db, sqlchecks.Options{})
	if len(found) != 1 {
		t.Errorf("%d findings", len(found))
	}
	wants(t, found, [3]string{"mysql.reachable", "problem", "Start the server"})
}

func TestAWrongPasswordIsSaidWithoutTheRightOne(t *testing.T) {
	dsn := servertest.MariaDB(t)
	for name, c := range map[string]struct{ dsn, want string }{
		"password": {strings.Replace(dsn, ":gatehouse@", ":hunter2@", 1), "own name and password"},
		"database": {dsn + "_of_others", "CREATE DATABASE"},
		"right":    {dsn[:strings.LastIndex(dsn, "/")] + "/mysql", "GRANT ALL"},
	} {
		found := examine(t, openDB(t, Config{MySQLDSN: c.dsn}), sqlchecks.Options{})
		wants(t, found, [3]string{"mysql.reachable", "problem", c.want})
		if f := found["mysql.reachable"]; strings.Contains(f.Found+f.Fix, "hunter2") {
			t.Errorf("%s: the password is shown: %+v", name, f)
		}
	}
}

func rightsOfAnAccount(t *testing.T, server *servertest.MariaDBHandle) {
	db := real(t, server.Database())
	name := db.conn.Server.DBName
	// as gives the findings of an account with these grants.
	accounts := 0
	as := func(statements ...string) map[string]doctor.Finding {
		t.Helper()
		accounts++
		who := fmt.Sprintf("few%d", accounts)
		server.AsRoot("CREATE USER " + who + "@'127.0.0.1' IDENTIFIED BY 'hunter2'")
		for _, s := range statements {
			server.AsRoot(strings.NewReplacer("ACCOUNT", who+"@'127.0.0.1'", "DATABASE", "`"+name+"`").Replace(s))
		}
		few := openDB(t, Config{MySQLDSN: who + ":hunter2@tcp(" + server.Addr() + ")/" + name, Now: time.Now})
		found := examine(t, few, sqlchecks.Options{})
		for _, f := range found {
			// Part of what SHOW GRANTS says is the hash of the password.
			if strings.Contains(f.Found+f.Fix, "hunter2") || strings.Contains(f.Found+f.Fix, "*") && f.Check == "mysql.rights" && !strings.Contains(f.Found+f.Fix, "`.*") {
				t.Errorf("a secret is shown: %+v", f)
			}
		}
		return found
	}
	all := as("GRANT ALL ON DATABASE.* TO ACCOUNT")
	wants(t, all, [3]string{"mysql.rights", "ok", "all that `serve` and `migrate` do"})
	some := as("GRANT SELECT, INSERT, UPDATE, DELETE ON DATABASE.* TO ACCOUNT")
	wants(t, some, [3]string{"mysql.rights", "ok", "enough for `serve`"}, [3]string{"mysql.writable", "ok", ""})
	few := as("GRANT SELECT, INSERT, UPDATE ON DATABASE.* TO ACCOUNT")
	wants(t, few, [3]string{"mysql.rights", "problem", "lacks DELETE ON"}, [3]string{"mysql.writable", "problem", "refused"})
	role := []string{"CREATE ROLE writers", "GRANT SELECT, INSERT, UPDATE, DELETE ON DATABASE.* TO writers", "GRANT SELECT ON DATABASE.* TO ACCOUNT", "GRANT writers TO ACCOUNT"}
	wants(t, as(role...), [3]string{"mysql.rights", "problem", "SET DEFAULT ROLE"})
	wants(t, as("GRANT SELECT ON DATABASE.* TO ACCOUNT", "GRANT writers TO ACCOUNT", "SET DEFAULT ROLE writers FOR ACCOUNT"), [3]string{"mysql.rights", "ok", "enough for `serve`"})

	// What is enough for these tables is not for the next ones.
	server.AsRoot("DELETE FROM `" + name + "`.goose_db_version ORDER BY version_id DESC LIMIT 1")
	wants(t, as("GRANT SELECT, INSERT, UPDATE, DELETE ON DATABASE.* TO ACCOUNT"),
		[3]string{"mysql.rights", "problem", "CREATE, ALTER, INDEX, DROP, CREATE TEMPORARY TABLES"}, [3]string{"mysql.schema", "warning", "gatehouse migrate"})
}

func readOnlyServer(t *testing.T, server *servertest.MariaDBHandle) {
	dsn := server.Database()
	db := real(t, dsn)
	wants(t, examine(t, db, sqlchecks.Options{}), [3]string{"mysql.writable", "ok", "takes writes"})
	server.SetReadOnly(true)
	wants(t, examine(t, db, sqlchecks.Options{}), [3]string{"mysql.writable", "problem", "read_only is ON"})
	defer server.SetReadOnly(false)
	server.AsRoot("GRANT READ_ONLY ADMIN ON *.* TO gatehouse@'127.0.0.1'")
	db = openDB(t, Config{MySQLDSN: dsn, Now: time.Now})
	wants(t, examine(t, db, sqlchecks.Options{}), [3]string{"mysql.writable", "warning", "writes nevertheless"})
}

func TestTablesOfAnotherVersion(t *testing.T) {
	dsn := servertest.MariaDB(t)
	wants(t, examine(t, openDB(t, Config{MySQLDSN: dsn, Now: time.Now}), sqlchecks.Options{}), [3]string{"mysql.schema", "warning", "gatehouse migrate"},
		[3]string{"mysql.writable", "ok", ""}, [3]string{"mysql.tables", "ok", "none yet"}, [3]string{"mysql.trail", "ok", "no table yet"}, [3]string{"mysql.rights", "ok", ""})
	db := real(t, dsn)
	if err := db.orm.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)").Error; err != nil {
		t.Fatal(err)
	}
	wants(t, examine(t, db, sqlchecks.Options{}), [3]string{"mysql.schema", "problem", "newer"})
}

func TestOwnTablesAreThoseThatMigrationsMake(t *testing.T) {
	db := real(t, servertest.MariaDB(t))
	var names []string
	err := db.orm.Raw("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name").Scan(&names).Error
	if err != nil || strings.Join(names, " ") != strings.Join(sqlchecks.Tables, " ") {
		t.Errorf("there are %q, %v; sqlchecks.Tables has %q", names, err, sqlchecks.Tables)
	}
}

func TestTablesThatWereConverted(t *testing.T) {
	db := real(t, servertest.MariaDB(t))
	if err := db.orm.Exec("ALTER TABLE leases ENGINE=MyISAM").Error; err != nil {
		t.Fatal(err)
	}
	wants(t, examine(t, db, sqlchecks.Options{}), [3]string{"mysql.tables", "problem", "leases is MyISAM"})
}

func TestAnotherClock(t *testing.T) {
	dsn := servertest.MariaDB(t)
	for ahead, want := range map[time.Duration]string{30 * time.Second: "warning", -time.Hour: "problem"} {
		db := openDB(t, Config{MySQLDSN: dsn, Now: func() time.Time { return time.Now().Add(ahead) }})
		// A busy machine takes long to answer, which must not be taken for the clock.
		wants(t, examine(t, db, sqlchecks.Options{}), [3]string{"mysql.clock", want, "NTP"})
	}
}

func TestConnectionsOfAllInstances(t *testing.T) {
	db := real(t, servertest.MariaDB(t)+"?") // 151 connections
	for instances, want := range map[int][3]string{
		5: {"mysql.connections", "ok", "as --instances says"},
		6: {"mysql.connections", "warning", "rolled out"},
		7: {"mysql.connections", "problem", "175 of max_connections 151"},
	} {
		wants(t, examine(t, db, sqlchecks.Options{Instances: instances}), want)
	}
}

func TestTheAgeOfTheTrail(t *testing.T) {
	now := time.Now()
	db := real(t, servertest.MariaDB(t))
	for id, age := range map[string]time.Duration{"old": 40 * 24 * time.Hour, "new": time.Hour} {
		if err := db.Append(t.Context(), auth.Event{ID: id, At: now.Add(-age)}); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, examine(t, db, sqlchecks.Options{}), [3]string{"mysql.trail", "ok", "the oldest 40 days old; kept for ever"})
	wants(t, examine(t, db, sqlchecks.Options{Retention: 50 * 24 * time.Hour}), [3]string{"mysql.trail", "ok", "AUDIT_RETENTION is 50 days"})
	wants(t, examine(t, db, sqlchecks.Options{Retention: 30 * 24 * time.Hour}), [3]string{"mysql.trail", "warning", "pruning is behind"})
}

func TestADamagedFile(t *testing.T) {
	file := t.TempDir() + "/gatehouse.db"
	db := migrated(t, Config{SQLitePath: file})
	found := examine(t, db, sqlchecks.Options{})
	wants(t, found, [3]string{"sqlite.schema", "ok", ""}, [3]string{"sqlite.integrity", "ok", "nothing wrong"}, [3]string{"sqlite.trail", "ok", "no events"})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range db.Checks(sqlchecks.Options{}) {
		if c.Name != "sqlite.integrity" {
			continue
		}
		if _, err := c.Ask(ended); err == nil {
			t.Error("a check that ran out of time has a verdict")
		}
	}
	if err := errors.Join(db.orm.Exec("PRAGMA wal_checkpoint(TRUNCATE)").Error, db.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for i := 3 * page; i < 6*page; i++ {
		text[i] = 0xa5
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, examine(t, openDB(t, Config{SQLitePath: file}), sqlchecks.Options{}), [3]string{"sqlite.integrity", "problem", "damaged"})
}
