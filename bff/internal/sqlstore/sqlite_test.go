package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// The file is named as given, whatever its folder is called, and read by nobody
// else: it holds password hashes.
func TestSQLiteFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "50% of #1? a=b&c ü")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "gatehouse.db")
	migrated(t, Config{SQLitePath: path})

	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", f.Name(), mode)
		}
		found = found || f.Name() == "gatehouse.db" && info.Size() > 0
	}
	if !found {
		t.Errorf("no database at %s, only %v", path, files)
	}
}

func TestSQLitePragmas(t *testing.T) {
	db := migrated(t, Config{SQLitePath: filepath.Join(t.TempDir(), "x.db")})
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "busy_timeout": "200", "foreign_keys": "1", "synchronous": "1",
	} {
		var got string
		if err := db.orm.Raw("PRAGMA " + pragma).Scan(&got).Error; err != nil || got != want {
			t.Errorf("%s = %s (%v), want %s", pragma, got, err, want)
		}
	}
}

func TestSQLiteWithoutAFolder(t *testing.T) {
	if _, err := Open(t.Context(), Config{SQLitePath: filepath.Join(t.TempDir(), "no", "x.db"), Now: time.Now}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want os.ErrNotExist", err)
	}
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte("this is no database, but long enough to be looked at as one, at 100 bytes or more of header, it says"), 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(t.Context(), Config{SQLitePath: path, Now: time.Now}); err == nil {
		t.Error("a file of something else was opened")
		db.Close()
	}
}

// Commands run beside the server, on the same file.
func TestSQLiteFromTwoProcesses(t *testing.T) {
	c := Config{SQLitePath: filepath.Join(t.TempDir(), "x.db")}
	one, two := migrated(t, c), migrated(t, c)
	var run errgroup.Group
	for i := range 200 {
		db := one
		if i%2 == 1 {
			db = two
		}
		id := strconv.Itoa(i)
		run.Go(func() error {
			u := auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: session.RoleUser, PasswordHash: "h"}
			if err := db.Create(t.Context(), u, auth.Event{ID: id}); err != nil {
				return err
			}
			_, err := db.ByID(t.Context(), id)
			return err
		})
	}
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len((readable{two}).Events(t)); n != 200 {
		t.Errorf("%d events, want 200", n)
	}
}

// The first of several to open a new file changes its format.
func TestSQLiteOpenedByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var run errgroup.Group
	for range 8 {
		run.Go(func() error {
			db, err := Open(t.Context(), Config{SQLitePath: path, Now: time.Now})
			if err != nil {
				return err
			}
			return errors.Join(db.Migrate(t.Context()), db.Close())
		})
	}
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
}

// A process that repairs the file after a crash has it to itself for a while.
func TestSQLiteOpenIsPatient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if db, err := Open(within(t, time.Second), Config{SQLitePath: path, Now: time.Now, QuestionTimeout: patience}); err == nil {
		t.Error("opened in spite of the lock")
		db.Close()
	}
	if took := time.Since(began); took < 900*time.Millisecond || took > patience/2 {
		t.Errorf("gave up after %v, want 1 s", took)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	migrated(t, Config{SQLitePath: path})
}

// Somebody left a transaction open, in a database browser perhaps: reading goes
// on, and writing gives up with its caller.
func TestSQLiteLocked(t *testing.T) {
	c := Config{SQLitePath: filepath.Join(t.TempDir(), "x.db")}
	db := migrated(t, c)
	conn, err := openDB(t, c).conn.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = db.Append(within(t, 200*time.Millisecond), auth.Event{ID: "late"})
	if !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append: %v, want ErrDatabase and context.DeadlineExceeded", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("a deadline of 0.2 s took %v", took)
	}
	if _, err := db.ByID(within(t, patience), "nobody"); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("ByID: %v, want ErrNoUser", err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := db.Append(t.Context(), auth.Event{ID: "on time"}); err != nil {
		t.Error(err)
	}
}
