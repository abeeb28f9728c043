package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

var errNoBackup = errors.New("this is for embedded mode, which has all that it keeps in DATA_DIR. " +
	"With MYSQL_DSN and REDIS_URL, back up MySQL with its own tools, such as `mysqldump --single-transaction`, mariadb-backup or xtrabackup. " +
	"Redis needs no backup: without it people sign in again, and a restored RDB file brings ended sessions back. Keep the secrets, too")

// Backup copies the data of embedded mode to dir, which must be missing or empty,
// and returns the text to print. A server may be running meanwhile: the copy has
// accounts and sessions of one moment, as a kill at that moment would have left
// them. A server that is started on dir goes on from there.
func Backup(ctx context.Context, o Options, dir string) (string, error) {
	c := o.Config
	if !c.Embedded {
		return "", errNoBackup
	}
	if err := datadir.HasAccounts(c.DataDir); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	// A link to an empty folder is resolved, or the backup would replace the link.
	// A dangling link is refused: the disk that it leads to may not be mounted.
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	} else if to, notLink := os.Readlink(dir); notLink == nil {
		return "", fmt.Errorf("%s is a link to %s, which is not there: make that folder, or mount its disk", dir, to)
	}
	if err := checkTarget(dir); err != nil {
		return "", err
	}
	// A complete backup has its final name: after a kill the folder is still named
	// partial.
	partial, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".partial-*")
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("back up: the folder that %s is in has to be writable; name one inside of a folder that is: %w", dir, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("back up: make the folder that %s is to be in first: %w", dir, err)
	}
	if err != nil {
		return "", fmt.Errorf("back up: %w", err)
	}
	kept, err := fillBackup(ctx, o, partial)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = giveName(partial, dir)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(partial))
	}
	return fmt.Sprintf("backed up %s to %s\n%sTo restore it, start a server with DATA_DIR=%s, or with a copy of it.\n", c.DataDir, dir, kept, dir), nil
}

func checkTarget(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: name a folder that does not exist yet, such as %s", dir, filepath.Join(dir, "2026-01-31"))
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file: name a folder that does not exist yet", dir)
	}
	return fmt.Errorf("back up: %w", err)
}

// fillBackup copies the data, and returns a note about secrets that are not in it.
func fillBackup(ctx context.Context, o Options, to string) (kept string, err error) {
	from := o.Config.DataDir
	db, err := openDatabase(ctx, o.Config, newApp(o))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var sessions *filestore.Mark
	err = db.Backup(ctx, filepath.Join(to, datadir.DatabaseFile), func() (err error) {
		sessions, err = filestore.MarkJournal(filepath.Join(from, datadir.SessionsFolder))
		return err
	})
	if sessions != nil {
		defer func() { err = errors.Join(err, sessions.Close()) }()
	}
	if err != nil {
		return "", err
	}
	if err := sessions.Copy(ctx, filepath.Join(to, datadir.SessionsFolder)); err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(from, datadir.SecretsFile))
	switch {
	case err == nil:
		err = textfile.WriteWhole(filepath.Join(to, datadir.SecretsFile), string(text))
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("back up: %w", err)
	}
	return elsewhereKept(o.Config), textfile.SyncFolder(to)
}

// elsewhereKept names the secrets that are not in DATA_DIR.
func elsewhereKept(c *config.Config) string {
	var names []string
	for name, isSet := range map[string]bool{
		"JWT_ACCESS_SECRET": len(c.AccessSecrets) > 0, "JWT_REFRESH_SECRET": len(c.RefreshSecrets) > 0, "IDENTITY_KEY": c.IdentityKey != "",
	} {
		if isSet {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "Not in it, as they come from the configuration: " + strings.Join(names, ", ") + ". Keep them, too.\n"
}

// giveName renames partial to dir, which is missing or empty.
func giveName(partial, dir string) error {
	// On Windows the target of a rename must not exist.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s cannot be replaced by the backup; name a folder that does not exist yet, such as %s: %w", dir, filepath.Join(dir, "2026-01-31"), err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return textfile.SyncFolder(filepath.Dir(dir))
}
