package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// The server had to be stopped for a backup.
func TestBackupWhileAccountsAreMade(t *testing.T) {
	dir := t.TempDir()
	db := migrated(t, Config{SQLitePath: filepath.Join(dir, "x.db")})
	create := func(i int) error {
		id := fmt.Sprint(i)
		return db.Create(t.Context(), auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: session.RoleUser, PasswordHash: "h"}, auth.Event{ID: id})
	}
	for i := range 200 {
		if err := create(i); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var run errgroup.Group
	run.Go(func() error {
		for i := 200; ctx.Err() == nil; i++ {
			if err := create(i); err != nil {
				return err
			}
		}
		return nil
	})
	backup := filepath.Join(dir, "it's a copy?.db")
	// What others can see at that moment is what is in the copy, no more and no less.
	var then int
	if err := db.Backup(t.Context(), backup, func() error {
		waiting, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := db.Create(waiting, auth.User{ID: "x", Email: auth.Email{Address: "x", Key: "x"}, Role: session.RoleUser, PasswordHash: "h"}, auth.Event{ID: "x"}); err == nil {
			t.Error("an account was made meanwhile")
		}
		return db.orm.Raw("SELECT COUNT(*) FROM users").Scan(&then).Error
	}); err != nil {
		t.Error(err)
	}
	stop()
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(backup)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v; want mode 600", info, err)
	}
	restored := migrated(t, Config{SQLitePath: backup})
	var accounts int
	var sound string
	if err := restored.orm.Raw("SELECT COUNT(*) FROM users").Scan(&accounts).Error; err != nil {
		t.Fatal(err)
	}
	if events := len((readable{restored}).Events(t)); accounts != then || then < 200 || events != accounts {
		t.Errorf("%d accounts and %d events in the backup, want %d, each with its event", accounts, events, then)
	}
	if err := restored.orm.Raw("PRAGMA integrity_check").Scan(&sound).Error; err != nil || sound != "ok" {
		t.Errorf("the backup is %s (%v)", sound, err)
	}
}

func TestBackupLeavesNothingHalfWritten(t *testing.T) {
	dir := t.TempDir()
	db := migrated(t, Config{SQLitePath: filepath.Join(dir, "x.db")})
	kept := filepath.Join(dir, "kept.db")
	if err := os.WriteFile(kept, []byte("another backup"), 0o600); err != nil {
		t.Fatal(err)
	}
	nothing := func() error { return nil }
	if err := db.Backup(t.Context(), kept, nothing); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v, want fs.ErrExist", err)
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "another backup" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	path := filepath.Join(dir, "cut.db")
	if err := db.Backup(left, path, nothing); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a backup that failed is there: %v", err)
	}
	full := errors.New("no space left on device")
	if err := db.Backup(t.Context(), path, func() error { return full }); !errors.Is(err, full) {
		t.Errorf("%v, want the error of that moment", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a backup without its sessions is there: %v", err)
	}
	// Neither of them holds the write lock, or a connection.
	for i := range 2 * sqlconn.SQLiteConns {
		id := fmt.Sprint(i)
		if err := db.Create(t.Context(), auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: session.RoleUser, PasswordHash: "h"}, auth.Event{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Backup(t.Context(), filepath.Join(dir, "no", "x.db"), nothing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
	mysql := openDB(t, Config{MySQLDSN: servertest.MariaDB(t)})
	if err := mysql.Backup(t.Context(), path, nothing); err == nil {
		t.Error("a backup of MySQL in a file")
	}
}
