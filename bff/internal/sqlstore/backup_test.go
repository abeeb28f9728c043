package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// The server had to be stopped for a backup.
func TestBackupWhileAccountsAreMade(t *testing.T) {
	dir := t.TempDir()
	db := migrated(t, Config{SQLitePath: filepath.Join(dir, "x.db")})
	create := func(i int) error {
		id := fmt.Sprint(i)
		return db.Create(t.Context(), auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: auth.RoleUser, PasswordHash: "h"}, auth.Event{ID: id})
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
	if err := db.Backup(t.Context(), backup); err != nil {
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
	if events := len((readable{restored}).Events(t)); accounts < 200 || events != accounts {
		t.Errorf("%d accounts and %d events in the backup, want 200 or more, each with its event", accounts, events)
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
	if err := db.Backup(t.Context(), kept); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v, want fs.ErrExist", err)
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "another backup" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	path := filepath.Join(dir, "cut.db")
	if err := db.Backup(left, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a backup that failed is there: %v", err)
	}
	if err := db.Backup(t.Context(), filepath.Join(dir, "no", "x.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
	mysql := openDB(t, Config{MySQLDSN: servertest.MariaDB(t)})
	if err := mysql.Backup(t.Context(), path); err == nil {
		t.Error("a backup of MySQL in a file")
	}
}
