package sqlstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// copied gives the real migrations as a map, to add to.
func copied(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := migrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(name, "migrations/")] = &fstest.MapFile{Data: data}
	}
	return files
}

func migration(statement string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
}

// MySQL commits each statement of DDL by itself: with two in a file, a crash
// between them leaves a schema that no version describes.
func TestMigrationsAreOneStatementEach(t *testing.T) {
	for name, file := range copied(t) {
		if n := strings.Count(string(file.Data), ";\n"); n != 1 {
			t.Errorf("%s holds %d statements, want 1", name, n)
		}
	}
}

func TestMigrateTwiceChangesNothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := migrated(t, c)
		if err := db.Append(t.Context(), auth.Event{ID: "kept"}); err != nil {
			t.Fatal(err)
		}
		if err := migrated(t, c).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := (readable{db}).Events(t); len(got) != 1 {
			t.Errorf("%d events survived, want 1", len(got))
		}
	})
}

// Instances of one deployment start at once, on a database that is empty.
func TestMigrateFromManyProcessesAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		var run errgroup.Group
		start := make(chan struct{})
		for range 8 {
			db := openDB(t, c)
			if err := db.Reach(t.Context()); err != nil {
				t.Fatal(err)
			}
			run.Go(func() error {
				<-start
				return db.Migrate(t.Context())
			})
		}
		close(start)
		if err := run.Wait(); err != nil {
			t.Fatal(err)
		}
		db := migrated(t, c)
		var versions []int64
		if err := db.orm.Raw("SELECT version_id FROM goose_db_version ORDER BY version_id").Scan(&versions).Error; err != nil {
			t.Fatal(err)
		}
		if len(versions) != len(copied(t))+1 { // goose begins with a zero
			t.Errorf("versions noted down: %v", versions)
		}
	})
}

func TestMigrateWaitsForTheLockAndNoLonger(t *testing.T) {
	hold := map[string][2]string{
		"sqlite": {"BEGIN IMMEDIATE", "ROLLBACK"},
		"mysql":  {"DO GET_LOCK(?, 0)", "DO RELEASE_LOCK(?)"},
	}
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := openDB(t, c)
		var args []any
		if db.orm.Name() == "mysql" {
			var name string
			if err := db.orm.Raw("SELECT DATABASE()").Scan(&name).Error; err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(name))
			args = append(args, fmt.Sprintf("gatehouse-migrate-%x", sum[:16]))
		}
		conn, err := openDB(t, c).conn.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		lock := hold[db.orm.Name()]
		if _, err := conn.ExecContext(t.Context(), lock[0], args...); err != nil {
			t.Fatal(err)
		}

		began := time.Now()
		err = db.Migrate(within(t, 300*time.Millisecond))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, auth.ErrDatabase) {
			t.Errorf("while another process migrates: %v, want context.DeadlineExceeded", err)
		}
		if took := time.Since(began); took > patience/2 {
			t.Errorf("gave up after %v, not 0.3 s", took)
		}
		for _, table := range []string{"users", "goose_db_version"} {
			if db.orm.Migrator().HasTable(table) {
				t.Errorf("made the table %s without the lock", table)
			}
		}

		var run errgroup.Group
		run.Go(func() error { return db.Migrate(t.Context()) })
		if _, err := conn.ExecContext(t.Context(), lock[1], args...); err != nil {
			t.Error(err)
		}
		if err := run.Wait(); err != nil {
			t.Errorf("after the other process: %v", err)
		}
	})
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		newer := copied(t)
		newer["0999_future.sql"] = migration("CREATE TABLE future (id INTEGER PRIMARY KEY)")
		if err := openDB(t, c).migrate(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		err := openDB(t, c).Migrate(t.Context())
		if !errors.Is(err, ErrSchemaNewer) || !strings.Contains(err.Error(), "999") {
			t.Errorf("error = %v, want ErrSchemaNewer naming version 999", err)
		}
	})
}

func TestMigrateGoesOnWhereItFailed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := openDB(t, c)
		files := copied(t)
		files["0998_good.sql"] = migration("CREATE TABLE good (id INTEGER PRIMARY KEY)")
		files["0999_bad.sql"] = migration("CREATE NONSENSE")
		if err := db.migrate(t.Context(), files); !errors.Is(err, auth.ErrDatabase) || errors.Is(err, ErrSchemaNewer) {
			t.Fatalf("a statement that fails: %v, want ErrDatabase", err)
		}
		files["0999_bad.sql"] = migration("CREATE TABLE mended (id INTEGER PRIMARY KEY)")
		if err := db.migrate(t.Context(), files); err != nil {
			t.Fatalf("mended: %v", err)
		}
		for _, table := range []string{"users", "login_audit", "good", "mended"} {
			if !db.orm.Migrator().HasTable(table) {
				t.Errorf("no table %s", table)
			}
		}
	})
}

// A command that only looks must not migrate, nor make a table.
func TestCheckSchemaRefusesOtherVersionsAndChangesNothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := openDB(t, c)
		tables := func() []string {
			all, err := db.orm.Migrator().GetTables()
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		if err := db.CheckSchema(t.Context()); !errors.Is(err, ErrSchemaOlder) || !strings.Contains(err.Error(), "gatehouse migrate") {
			t.Errorf("an empty database: %v", err)
		}
		if got := tables(); len(got) != 0 {
			t.Errorf("it has made %v", got)
		}
		older := copied(t)
		for name := range older {
			if name >= "0008" {
				delete(older, name)
			}
		}
		if err := db.migrate(t.Context(), older); err != nil {
			t.Fatal(err)
		}
		before := tables()
		if err := db.CheckSchema(t.Context()); !errors.Is(err, ErrSchemaOlder) || !strings.Contains(err.Error(), "schema 7") {
			t.Errorf("an older schema: %v", err)
		}
		if got := tables(); len(got) != len(before) {
			t.Errorf("it has made %v of %v", got, before)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.CheckSchema(t.Context()); err != nil {
			t.Errorf("this schema: %v", err)
		}
		newer := copied(t)
		newer["0999_future.sql"] = migration("CREATE TABLE future (id INTEGER PRIMARY KEY)")
		if err := db.migrate(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		if err := db.CheckSchema(t.Context()); !errors.Is(err, ErrSchemaNewer) || !strings.Contains(err.Error(), "999") {
			t.Errorf("a newer schema: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := db.CheckSchema(ctx); !errors.Is(err, auth.ErrDatabase) || errors.Is(err, ErrSchemaOlder) {
			t.Errorf("a database that was not asked: %v", err)
		}
	})
}

// A limit for all statements of the server, or one in the DSN, ended the index of
// a big table: at every start anew.
func TestMigrationsHaveNoLimit(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	for name, param := range map[string]string{"of the server": "", "in the DSN": "max_statement_time=0.2"} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database()
			if param == "" {
				server.AsRoot("SET GLOBAL max_statement_time = 0.2")
				defer server.AsRoot("SET GLOBAL max_statement_time = 0")
			} else {
				sep := "?"
				if strings.Contains(dsn, "?") {
					sep = "&"
				}
				dsn += sep + param
			}
			db := openDB(t, Config{MySQLDSN: dsn})
			files := copied(t)
			files["0998_long.sql"] = migration("CREATE TABLE slow AS SELECT SLEEP(0.5) AS n")
			if err := db.migrate(t.Context(), files); err != nil {
				t.Fatal(err)
			}
		})
	}
}
