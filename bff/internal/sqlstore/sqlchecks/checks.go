// Package sqlchecks holds the doctor's checks of MySQL, MariaDB and SQLite: what it
// finds there, and what to do about it.
package sqlchecks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// Database is what the checks need of a database.
type Database struct {
	Pool *sqlconn.Pool
	Now  func() time.Time
	// Schema compares the tables with this binary's migrations.
	Schema func(ctx context.Context) (doctor.Result, error)
	// Write makes a write that changes nothing.
	Write func(ctx context.Context) error
}

// Options is what the checks compare the database with.
type Options struct {
	// Instances is how many share the server; 0: it is estimated.
	Instances int
	// Retention is how long events are kept; 0: for ever.
	Retention time.Duration
}

// Of are checks of a database that change nothing in it, and need no more rights
// than the product has.
func Of(db Database, o Options) []doctor.Check {
	e := &examination{Database: db, Options: o}
	if db.Pool.Engine == sqlconn.SQLite {
		return e.sqliteChecks()
	}
	return []doctor.Check{
		{Name: "mysql.reachable", First: true, Ask: e.reachable},
		{Name: "mysql.version", Ask: e.version},
		{Name: "mysql.tls", Ask: e.tls},
		{Name: "mysql.rights", Ask: e.rights},
		{Name: "mysql.writable", Ask: e.writable},
		{Name: "mysql.schema", Ask: e.Schema},
		{Name: "mysql.tables", Ask: e.tables},
		{Name: "mysql.connections", Ask: e.connections},
		{Name: "mysql.cluster", Ask: e.cluster},
		{Name: "mysql.session", Ask: e.session},
		{Name: "mysql.clock", Ask: e.clock},
		{Name: "mysql.trail", Ask: e.trail},
	}
}

// examination is one round of checks.
type examination struct {
	Database
	Options
	// variables are read once; nil until then.
	variables *variables
}

// variables of the server. Names are lower case.
type variables struct{ global, session, status map[string]string }

func (e *examination) server() string { return e.Pool.Server.Addr }

func (e *examination) reachable(ctx context.Context) (doctor.Result, error) {
	var who, version string
	if err := e.Pool.QueryRowContext(ctx, "SELECT CURRENT_USER(), VERSION()").Scan(&who, &version); err != nil {
		return doctor.Result{State: doctor.Problem, Found: fmt.Sprintf("%s: %v", e.server(), err), Fix: e.unreachableFix(ctx, err)}, nil
	}
	return doctor.Result{State: doctor.OK, Found: fmt.Sprintf("%s answers, database %s, account %s", e.server(), e.Pool.Server.DBName, who)}, nil
}

func (e *examination) unreachableFix(ctx context.Context, err error) string {
	const (
		noDatabaseRight = 1044 // ER_DBACCESS_DENIED_ERROR
		wrongPassword   = 1045 // ER_ACCESS_DENIED_ERROR
		unknownDatabase = 1049 // ER_BAD_DB_ERROR
		tooMany         = 1040 // ER_CON_COUNT_ERROR
	)
	if refused, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch refused.Number {
		case wrongPassword:
			return "Put the account's own name and password into MYSQL_DSN; the account must be allowed from this host."
		case noDatabaseRight:
			return "GRANT ALL ON `" + e.Pool.Server.DBName + "`.* to the account."
		case unknownDatabase:
			return "CREATE DATABASE `" + e.Pool.Server.DBName + "`, or put the name of the one there is into MYSQL_DSN."
		case tooMany:
			return "Raise max_connections of the server, or lower MYSQL_MAX_CONNECTIONS."
		}
		return "Look at the server's own log."
	}
	if ctx.Err() != nil {
		return "The server takes connections and does not answer, or a firewall drops packets: look whether it hangs."
	}
	if _, dialed := errors.AsType[*net.OpError](err); dialed {
		return "Start the server, or correct host and port in MYSQL_DSN; a firewall or NetworkPolicy may be in between."
	}
	return "Correct MYSQL_DSN: host, port and `tls`; MYSQL_TLS_CA names a file with a private authority."
}

// read reads the variables that the checks look at, at their first need.
func (e *examination) read(ctx context.Context) (*variables, error) {
	if e.variables != nil {
		return e.variables, nil
	}
	v := &variables{}
	for _, q := range []struct {
		into  *map[string]string
		query string
	}{
		{&v.global, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'version_comment', 'read_only', 'super_read_only', 'innodb_read_only'," +
			" 'max_connections', 'wsrep_on', 'log_bin', 'binlog_format')"},
		{&v.session, "SHOW SESSION VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_sync_wait', 'sql_mode', 'character_set_client', 'character_set_connection'," +
			" 'max_user_connections')"},
		{&v.status, "SHOW STATUS WHERE Variable_name IN ('Ssl_cipher', 'Ssl_version', 'Threads_connected', 'wsrep_ready', 'wsrep_cluster_status'," +
			" 'wsrep_cluster_size', 'wsrep_local_state_comment')"},
	} {
		rows, err := e.pairs(ctx, q.query)
		if err != nil {
			return nil, err
		}
		*q.into = rows
	}
	e.variables = v
	return v, nil
}

func (e *examination) pairs(ctx context.Context, query string) (_ map[string]string, err error) {
	rows, err := e.Pool.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found := map[string]string{}
	for rows.Next() {
		var name string
		var value sql.NullString
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		found[strings.ToLower(name)] = value.String
	}
	return found, rows.Err()
}

// The oldest servers that are still maintained, as of 2026; what the tests run on
// is in the text.
var (
	versionNumber   = regexp.MustCompile(`(\d+)\.(\d+)\.(\d+)`)
	oldestMariaDB   = [2]int{10, 6}
	oldestMySQL     = [2]int{8, 0}
	mariadbMarker   = "mariadb"
	neverTried      = []string{"tidb", "vitess"}
	testedOnMariaDB = "the product's tests run on MariaDB 10.11"
)

func (e *examination) version(ctx context.Context) (doctor.Result, error) {
	v, err := e.read(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	return judgeVersion(v.global["version"], v.global["version_comment"]), nil
}

func judgeVersion(version, comment string) doctor.Result {
	lower := strings.ToLower(version + " " + comment)
	for _, other := range neverTried {
		if strings.Contains(lower, other) {
			return doctor.Result{State: doctor.Warning, Found: version + " is not MySQL itself and was never tried",
				Fix: "Try it under load before people depend on it, or use MariaDB 10.11."}
		}
	}
	name, oldest := "MySQL", oldestMySQL
	if strings.Contains(lower, mariadbMarker) {
		name, oldest = "MariaDB", oldestMariaDB
	}
	// Old MariaDB puts 5.5.5- in front for the sake of old replicas.
	m := versionNumber.FindStringSubmatch(strings.TrimPrefix(version, "5.5.5-"))
	if m == nil {
		return doctor.Result{State: doctor.Warning, Found: fmt.Sprintf("the version %q is not known", version), Fix: "Use MariaDB 10.6 or newer, or MySQL 8.0 or newer."}
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	found := name + " " + m[0]
	if major < oldest[0] || major == oldest[0] && minor < oldest[1] {
		return doctor.Result{State: doctor.Warning, Found: found + " is older than what is maintained", Fix: "Use MariaDB 10.6 or newer, or MySQL 8.0 or newer."}
	}
	if name == "MySQL" {
		found += " (" + testedOnMariaDB + ")"
	}
	return doctor.Result{State: doctor.OK, Found: found}
}

func (e *examination) tls(ctx context.Context) (doctor.Result, error) {
	v, err := e.read(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	return judgeTLS(e.Pool.Server, v.status["ssl_cipher"], v.status["ssl_version"]), nil
}

func judgeTLS(cfg *mysql.Config, cipher, version string) doctor.Result {
	const fix = "Put tls=true into MYSQL_DSN; MYSQL_TLS_CA names a file with the authority when it is a private one."
	host, _, _ := net.SplitHostPort(cfg.Addr)
	ip := net.ParseIP(host)
	switch {
	case cipher != "" && (cfg.TLSConfig == "skip-verify" || cfg.TLSConfig == "preferred"):
		return doctor.Result{State: doctor.Warning, Found: "TLS without a look at the certificate (tls=" + cfg.TLSConfig + "): another server can pose as this one", Fix: fix}
	case cipher != "":
		return doctor.Result{State: doctor.OK, Found: strings.TrimSpace(version + " " + cipher)}
	case cfg.Net == "unix" || host == "localhost" || ip != nil && ip.IsLoopback():
		return doctor.Result{State: doctor.OK, Found: "no TLS, on this machine"}
	}
	return doctor.Result{State: doctor.Warning, Found: "no TLS: the network sees password hashes and addresses", Fix: fix}
}

// upToDate reports whether the tables are those of this version.
func (e *examination) upToDate(ctx context.Context) bool {
	r, err := e.Schema(ctx)
	return err == nil && r.State == doctor.OK
}

func (e *examination) clock(ctx context.Context) (doctor.Result, error) {
	// The connection first: making one takes longer than the question.
	conn, err := e.Pool.Conn(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	defer func() { _ = conn.Close() }()
	var there time.Time
	before := e.Now()
	if err := conn.QueryRowContext(ctx, "SELECT UTC_TIMESTAMP(6)").Scan(&there); err != nil {
		return doctor.Result{}, err
	}
	return doctor.Clock("the database's", before, there, e.Now()), nil
}
