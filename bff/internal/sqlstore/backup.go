package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes a copy of the SQLite file to path, which must not exist, while
// the database is read and written: all of it as it is at one moment. The copy
// holds password hashes, as the original does, and has its mode. It is whole and
// on the disk when Backup returns, and not there when Backup fails.
func (db *DB) Backup(ctx context.Context, path string) (err error) {
	if db.orm.Name() != "sqlite" {
		return errors.New("sqlstore: back up: the database is MySQL: use its own tools, such as mysqldump --single-transaction")
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("sqlstore: back up: %w", err)
	}
	// SQLite would make the file readable for everybody; an empty one it takes.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("sqlstore: back up: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	// No question of a request: it takes as long as the file is big.
	if _, err := db.sql.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return failed(ctx, "back up", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sqlstore: back up: %w", err)
	}
	return nil
}
