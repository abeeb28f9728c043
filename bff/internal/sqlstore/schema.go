package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// ErrSchemaOlder means that this binary has migrations which the database lacks.
var ErrSchemaOlder = errors.New("the database was migrated by an older version of Gatehouse, or not yet: " +
	"run `gatehouse migrate` (or start the server) first, or use the version that the servers run")

// CheckSchema reports whether the schema is that of this binary, and changes
// nothing: a command that lists accounts migrated the production database, before
// its servers were replaced. Errors are ErrSchemaOlder, ErrSchemaNewer or wrap
// auth.ErrDatabase.
func (db *DB) CheckSchema(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	want, err := newestMigration(files)
	if err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	var have int64
	err = db.do(ctx, "version of the schema", func(orm *gorm.DB) error {
		return orm.Table(goose.DefaultTablename).Where("is_applied").Select("COALESCE(MAX(version_id), 0)").Scan(&have).Error
	})
	switch {
	case err != nil && !sqlconn.IsMissingTable(err):
		return failed(ctx, "version of the schema", err)
	case have < want:
		err = ErrSchemaOlder
	case have > want:
		err = ErrSchemaNewer
	default:
		return nil
	}
	return fmt.Errorf("%w (schema %d, this binary knows %d)", err, have, want)
}

func newestMigration(files fs.FS) (newest int64, err error) {
	names, err := fs.Glob(files, "*.sql")
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, parseErr := strconv.ParseInt(number, 10, 64)
		newest, err = max(newest, version), errors.Join(err, parseErr)
	}
	return newest, err
}
