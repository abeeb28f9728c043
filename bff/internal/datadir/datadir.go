// Package datadir has the layout of DATA_DIR, where embedded mode keeps its files,
// the checks of its owner and modes, and the doctor's checks of it.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// Names in DATA_DIR.
const (
	DatabaseFile   = "gatehouse.db" // the accounts
	SessionsFolder = "sessions"
	SecretsFile    = "secrets.env"
)

const (
	othersMayWrite  fs.FileMode = 0o022
	anybodyMayWrite fs.FileMode = 0o002
)

// Open creates DATA_DIR when it is missing, and checks it.
func Open(dir string) error {
	if err := textfile.MakeFolder(dir); err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	return Check(dir)
}

// Check refuses a DATA_DIR, or a file in it, that other users may write to: they
// could replace our secrets with their own, and sign tokens. Missing files are fine.
func Check(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // where file modes have no meaning
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	mistakes := []error{checkParent(dir), checkParent(resolved)}
	if mistakes[0] != nil {
		mistakes = mistakes[:1]
	}
	names := []string{"", SecretsFile, DatabaseFile, DatabaseFile + "-wal", DatabaseFile + "-shm", operator.SocketFolder, SessionsFolder}
	inside, _ := os.ReadDir(filepath.Join(resolved, SessionsFolder)) // may be missing
	for _, entry := range inside {
		names = append(names, filepath.Join(SessionsFolder, entry.Name()))
	}
	for _, name := range names {
		file := filepath.Join(resolved, name)
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		switch {
		case err != nil:
			mistakes = append(mistakes, fmt.Errorf("DATA_DIR: %w", err))
		case info.Mode()&othersMayWrite != 0:
			mistakes = append(mistakes, fmt.Errorf("DATA_DIR: others may write to %s (%s): they could replace the secrets; run `chmod go-w '%s'`, or choose another folder", file, info.Mode(), file))
		case !isOurs(info):
			mistake := notOurs(file, name == "")
			if name == "" {
				return errors.Join(append(mistakes, mistake)...) // its files have the same owner
			}
			mistakes = append(mistakes, mistake)
		}
	}
	return errors.Join(mistakes...)
}

// notOurs suggests running as the owner first: an administrator who ran chown on a
// server's folder, for a backup, locked the server out.
func notOurs(file string, all bool) error {
	chown := "chown"
	if all {
		chown += " -R"
	}
	return fmt.Errorf("DATA_DIR: %[1]s belongs to another user, who could replace the secrets; run this as that user if a server of theirs uses it, "+
		"or else run `%[2]s %[3]d '%[1]s'`, or choose another folder", file, chown, os.Geteuid())
}

// checkParent refuses a parent folder that all users may write to: they could put
// another folder in DATA_DIR's place, unless it is sticky, as /tmp is.
func checkParent(dir string) error {
	full, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	parent := filepath.Dir(full)
	info, err := os.Stat(parent)
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	if info.Mode()&anybodyMayWrite != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("DATA_DIR: anybody may replace it, as %s is %s; run `chmod o-w '%s'`, or choose another folder", parent, info.Mode(), parent)
	}
	return nil
}

// HasAccounts returns an error when dir has no database: in the wrong working
// directory a command would create a DATA_DIR, and find no account in it.
func HasAccounts(dir string) error {
	_, err := os.Stat(filepath.Join(dir, DatabaseFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return nil // opening the database has better errors
	}
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	return fmt.Errorf("there are no accounts in %s: is DATA_DIR the server's?", dir)
}
