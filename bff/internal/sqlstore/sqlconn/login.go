package sqlconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/storelogin"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// ErrOtherDatabase says that a DSN has more changed in it than the user and the
// password.
var ErrOtherDatabase = errors.New("the MySQL DSN leads to another place, or has other parameters")

// login is the login of new connections, and the TLS files.
type login struct {
	storelogin.Login
	place string // see placeOf
	files *tlsfiles.Source
	log   *slog.Logger
}

// newLogin has the connections that are made with cfg, and with copies of it,
// take the login of the moment, and the TLS files of the moment.
func newLogin(cfg *mysql.Config, o Options) (*login, error) {
	l := &login{place: placeOf(cfg), files: o.TLS, log: o.Log}
	l.Reread, l.Parse = o.RereadDSN, l.parse
	l.Replaced = func() {
		l.log.Info("MySQL refused the login, and MYSQL_DSN has another one by now: it is used from here on")
	}
	l.Use(&storelogin.Credentials{User: cfg.User, Password: cfg.Passwd})
	return l, cfg.Apply(mysql.BeforeConnect(func(_ context.Context, cfg *mysql.Config) error {
		c := l.Current()
		cfg.User, cfg.Passwd = c.User, c.Password
		if cfg.TLS != nil {
			l.files.Configure(cfg.TLS) // a copy of its own for each connection
		}
		return nil
	}))
}

// NewLogin reads a DSN that differs in the user and the password from the one that
// the database was opened with, and gives what puts them in force for the
// connections to come. Its errors do not repeat the value.
func (p *Pool) NewLogin(dsn string) (put func(), err error) {
	if p.login == nil {
		return nil, ErrOtherDatabase
	}
	next, err := p.login.parse(dsn)
	if err != nil {
		return nil, err
	}
	return func() { p.login.Use(next) }, nil
}

func (l *login) parse(dsn string) (*storelogin.Credentials, error) {
	cfg, err := mysqlConfig(dsn, l.log)
	if err != nil {
		return nil, err
	}
	if placeOf(cfg) != l.place {
		return nil, ErrOtherDatabase
	}
	return &storelogin.Credentials{User: cfg.User, Password: cfg.Passwd}, nil
}

// loginConnector tries once more what its login was refused for.
type loginConnector struct {
	driver.Connector
	login *login
}

// Connect implements driver.Connector.
func (c *loginConnector) Connect(ctx context.Context) (driver.Conn, error) {
	tried := c.login.Current()
	conn, err := c.Connector.Connect(ctx)
	if RefusedLogin(err) && c.login.ReplaceRefused(tried) {
		return c.Connector.Connect(ctx)
	}
	return conn, err
}

// RefusedLogin recognises a server that does not take the user or the password.
func RefusedLogin(err error) bool {
	const (
		accessDenied           = 1045 // ER_ACCESS_DENIED_ERROR
		accessDeniedNoPassword = 1698 // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
	)
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && (e.Number == accessDenied || e.Number == accessDeniedNoPassword)
}

// placeOf is all of a DSN but the user and the password.
func placeOf(cfg *mysql.Config) string {
	place := cfg.Clone()
	place.User, place.Passwd = "", ""
	return place.FormatDSN()
}
