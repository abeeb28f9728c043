package sqlstore

import (
	"context"
	"errors"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlchecks"
)

// Checks are the doctor's, of this database.
func (db *DB) Checks(o sqlchecks.Options) []doctor.Check {
	return sqlchecks.Of(sqlchecks.Database{Pool: db.conn, Now: db.now, Schema: db.schemaCheck, Write: db.Ping}, o)
}

// schemaCheck compares the tables with this binary's migrations.
func (db *DB) schemaCheck(ctx context.Context) (doctor.Result, error) {
	err := db.CheckSchema(ctx)
	switch {
	case err == nil:
		return doctor.Result{State: doctor.OK, Found: "the tables are those of this version"}, nil
	case errors.Is(err, ErrSchemaOlder):
		return doctor.Result{State: doctor.Warning, Found: err.Error(), Fix: "Run `gatehouse migrate`; `serve` does it too when it starts."}, nil
	case errors.Is(err, ErrSchemaNewer):
		return doctor.Result{State: doctor.Problem, Found: err.Error(), Fix: "Run the version that the tables are for, or restore the backup from before."}, nil
	}
	return doctor.Result{}, err
}
