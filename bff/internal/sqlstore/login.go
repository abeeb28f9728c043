package sqlstore

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// ErrOtherDatabase says that a DSN has more changed in it than the user and the
// password.
var ErrOtherDatabase = errors.New("the MySQL DSN leads to another place, or has other parameters")

// login is with what new connections are made. Those that there are go on until
// connMaxLifetime: a server asks for the password at the beginning only.
type login struct {
	place string // see placeOf
	now   atomic.Pointer[credentials]
}

type credentials struct{ user, password string }

// newLogin has the connections that are made with cfg, and with copies of it,
// take the login of the moment, and the TLS files of the moment.
func newLogin(cfg *mysql.Config, files *tlsfiles.Source) (*login, error) {
	l := &login{place: placeOf(cfg)}
	l.now.Store(&credentials{cfg.User, cfg.Passwd})
	return l, cfg.Apply(mysql.BeforeConnect(func(_ context.Context, cfg *mysql.Config) error {
		c := l.now.Load()
		cfg.User, cfg.Passwd = c.user, c.password
		if cfg.TLS != nil {
			files.Configure(cfg.TLS) // a copy of its own for each connection
		}
		return nil
	}))
}

// NewLogin reads a DSN that differs in the user and the password from the one that
// the database was opened with, and gives what puts them in force for the
// connections to come. Its errors do not repeat the value.
func (db *DB) NewLogin(dsn string) (put func(), err error) {
	cfg, err := mysqlConfig(dsn, db.log)
	if err != nil {
		return nil, err
	}
	if db.login == nil || placeOf(cfg) != db.login.place {
		return nil, ErrOtherDatabase
	}
	return func() { db.login.now.Store(&credentials{cfg.User, cfg.Passwd}) }, nil
}

// placeOf is all of a DSN but the user and the password.
func placeOf(cfg *mysql.Config) string {
	place := cfg.Clone()
	place.User, place.Passwd = "", ""
	return place.FormatDSN()
}
