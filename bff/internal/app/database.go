package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// SchemaKnown is closed once Run knows whether the tables are up to date, or that
// MySQL does not answer.
func (a *App) SchemaKnown() <-chan struct{} {
	if a.schema != nil {
		return a.schema.known
	}
	known := make(chan struct{})
	close(known)
	return known
}

// migrate brings the tables up to date before anything is served.
func (a *App) migrate(ctx context.Context) error {
	if err := a.db.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	a.state.checks = append(a.state.checks, named(databaseDown, a.db.Ping))
	return nil
}

func openDatabase(ctx context.Context, c *config.Config, a *App) (*sqlstore.DB, error) {
	files, err := tlsfiles.Open(mysqlTLS, tlsfiles.Files(c.MySQLTLS), a.now, a.log)
	if err != nil {
		return nil, err
	}
	sc := sqlstore.Config{
		MySQLDSN: c.MySQLDSN.Reveal(), RereadDSN: a.rereads("MYSQL_DSN"), TLS: files, MaxConnections: c.MySQLMaxConnections,
		Log: a.log, Now: a.now, Observe: a.questions("mysql"), QuestionTimeout: a.questionTimeout,
	}
	if c.Embedded {
		sc.SQLitePath, sc.Observe = filepath.Join(c.DataDir, datadir.DatabaseFile), a.questions("sqlite")
	}
	db, err := sqlstore.Open(ctx, sc)
	if err != nil {
		return nil, fmt.Errorf("open the user database: %w", err)
	}
	return db, nil
}

// Migrate brings the tables up to date and returns.
func Migrate(ctx context.Context, o Options) error {
	if o.Config.Embedded {
		if err := datadir.Open(o.Config.DataDir); err != nil {
			return err
		}
	}
	db, err := openDatabase(ctx, o.Config, newApp(o))
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx), db.Close())
}
