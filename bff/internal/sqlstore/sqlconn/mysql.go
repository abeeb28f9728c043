package sqlconn

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// IOTimeout and dialTimeout are those of a MySQL connection unless the DSN gives its own. A request's
// context usually ends sooner; these catch a server that accepts and then says
// nothing.
const (
	IOTimeout   = 10 * time.Second
	dialTimeout = 3 * time.Second
)

// OpenMySQL makes the pool of a DSN and connects to nothing yet, so that it succeeds
// while the server is away. Errors never contain the DSN's password.
func OpenMySQL(dsn string, o Options) (*Pool, error) {
	cfg, err := mysqlConfig(dsn, o.Log)
	if err == nil {
		err = checkTLS(cfg, o.TLS != nil)
	}
	if err != nil {
		return nil, err
	}
	login, err := newLogin(cfg, o)
	if err != nil {
		return nil, err
	}
	pool, err := openLimitedMySQLPool(cfg, login, statementLimit(o.QuestionTimeout), o.Log)
	if err != nil {
		return nil, err
	}
	size := cmp.Or(o.MaxConnections, MaxConnections)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxLifetime(connMaxLifetime)
	return &Pool{
		DB: pool, Engine: MySQL, Server: cfg, Size: size, login: login,
		// REPEATABLE READ, the default, also locks the gap where an account was
		// deleted meanwhile, and newer MariaDB refuses there to lock a row that
		// changed since the transaction first read anything.
		WriteTx: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		openForMigration: func() (*sql.DB, error) {
			// The limits of the DSN, and of the server for all, are for questions: they
			// ended the index of a big table at every start anew.
			patient := cfg.Clone()
			patient.ReadTimeout = 0
			maps.DeleteFunc(patient.Params, func(name, _ string) bool { return name == mariadbLimit || name == mysqlLimit })
			return openLimitedMySQLPool(patient, login, 0, slog.New(slog.DiscardHandler))
		},
		collided: mysqlConflict, conflicted: mysqlConflict, overran: mysqlOverran,
	}, nil
}

func openMySQLPool(cfg *mysql.Config, l *login) (*sql.DB, error) {
	connector, err := newConnector(cfg, l)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// openLimitedMySQLPool opens a pool whose statements the server itself ends
// after so long, unless the DSN says how long they may take.
func openLimitedMySQLPool(cfg *mysql.Config, l *login, limit time.Duration, log *slog.Logger) (*sql.DB, error) {
	for _, own := range []string{mariadbLimit, mysqlLimit} {
		if _, set := cfg.Params[own]; set {
			return openMySQLPool(cfg, l)
		}
	}
	connector, err := newConnector(cfg, l)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(&limitedConnector{Connector: connector, limit: limit, log: log}), nil
}

// CheckDSN says what is wrong with a MySQL DSN, never repeating it: it holds a
// password. ownTLS: there are TLS files for it.
func CheckDSN(dsn string, ownTLS bool) error {
	cfg, err := mysqlConfig(dsn, nil)
	if err != nil {
		return err
	}
	return checkTLS(cfg, ownTLS)
}

// mysqlConfig reads a DSN and sets what the queries rely on, whatever the DSN
// says about it.
func mysqlConfig(dsn string, log *slog.Logger) (*mysql.Config, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errBadDSN(err)
	}
	if cfg.DBName == "" {
		return nil, errors.New("the MySQL DSN names no database: put one after the slash, as in user:password@tcp(host:3306)/gatehouse")
	}
	if cfg.Net != "tcp" && cfg.Net != "unix" {
		return nil, errBadDSN(errors.New("another network"))
	}
	cfg.ParseTime = true
	cfg.Loc = time.UTC
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, errBadDSN(err)
	}
	// Placeholders are filled in by the driver: one round trip a query instead
	// of two, and no prepared statements to go stale behind a proxy. Safe, as
	// the connection is always utf8mb4.
	cfg.InterpolateParams = true
	// One statement a query, so that an injection, should there ever be one,
	// cannot append another; and no server may ask for our files.
	cfg.MultiStatements = false
	cfg.AllowAllFiles = false
	// After a failover the pool still has connections to the server that was the
	// writer and only reads by now: one that says so is closed, and the next one
	// goes where the address leads then.
	cfg.RejectReadOnly = true
	// Strict: what does not fit is an error. MySQL's lenient mode stores the
	// first half and reports success.
	cfg.Params = maps.Clone(cfg.Params)
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["sql_mode"] = "'TRADITIONAL'"
	if cfg.Timeout == 0 {
		cfg.Timeout = dialTimeout
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = IOTimeout
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = IOTimeout
	}
	cfg.Logger = driverLog{log}
	return cfg, nil
}

// errBadDSN explains a DSN that does not parse. The driver's messages quote
// what they could not read, which with an unescaped character in it is a piece
// of the password; only its fixed sentences pass.
func errBadDSN(err error) error {
	const form = "want user:password@tcp(host:3306)/database"
	if reason, ok := strings.CutPrefix(err.Error(), "invalid DSN: "); ok {
		return fmt.Errorf("the MySQL DSN is not valid: %s (%s)", reason, form)
	}
	return fmt.Errorf("the MySQL DSN is not valid (%s)", form)
}

// driverLog takes what the driver has to say about connections it lost. The
// error of the query itself is returned and logged elsewhere.
type driverLog struct{ log *slog.Logger }

func (l driverLog) Print(v ...any) {
	l.log.Debug("mysql driver", "message", fmt.Sprint(v...))
}
