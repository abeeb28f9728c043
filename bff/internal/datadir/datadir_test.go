//go:build unix

package datadir

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// dataDir makes a DATA_DIR as a server leaves it, in a parent folder of its own.
func dataDir(t *testing.T) string {
	t.Helper()
	parent := filepath.Join(t.TempDir(), "parent")
	dir := filepath.Join(parent, "data")
	for _, folder := range []string{parent, dir, filepath.Join(dir, SessionsFolder), filepath.Join(dir, operator.SocketFolder)} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{SecretsFile, DatabaseFile, DatabaseFile + "-wal", filepath.Join(operator.SocketFolder, "socket"), "sessions/sessions.jsonl", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func chmod(t *testing.T, file string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

// Users who can write to DATA_DIR can replace our secrets with their own.
func TestDataDirThatOthersMayWriteToIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, dir string)
		want   []string
	}{
		"as a server makes it": {func(*testing.T, string) {}, nil},
		"readable":             {func(t *testing.T, dir string) { chmod(t, dir, 0o755) }, nil},
		"writable for a group": {func(t *testing.T, dir string) { chmod(t, dir, 0o770) }, []string{"others may write to", "chmod go-w", "/data'"}},
		"writable for all":     {func(t *testing.T, dir string) { chmod(t, dir, 0o777) }, []string{"chmod go-w"}},
		"sticky does not help": {func(t *testing.T, dir string) { chmod(t, dir, 0o777|fs.ModeSticky) }, []string{"chmod go-w"}},
		"the secrets":          {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, SecretsFile), 0o660) }, []string{"secrets.env"}},
		"the database, and its log": {func(t *testing.T, dir string) {
			chmod(t, filepath.Join(dir, DatabaseFile), 0o606)
			chmod(t, filepath.Join(dir, DatabaseFile+"-wal"), 0o622)
		}, []string{"gatehouse.db'", "gatehouse.db-wal'"}},
		"the sessions' folder": {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, SessionsFolder), 0o770) }, []string{"/sessions'"}},
		"the socket's folder":  {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, operator.SocketFolder), 0o770) }, []string{"/control'"}},
		"a file of sessions":   {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, "sessions/sessions.jsonl"), 0o620) }, []string{"sessions.jsonl"}},
		"a file of somebody's": {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, "notes.txt"), 0o666) }, nil},
		"a parent for all":     {func(t *testing.T, dir string) { chmod(t, filepath.Dir(dir), 0o777) }, []string{"anybody may replace it", "chmod o-w", "/parent'"}},
		"a sticky parent":      {func(t *testing.T, dir string) { chmod(t, filepath.Dir(dir), 0o777|fs.ModeSticky) }, nil},
		"a parent for a group": {func(t *testing.T, dir string) { chmod(t, filepath.Dir(dir), 0o775) }, nil}, // umask 002
		"secrets by a link to what others may write": {func(t *testing.T, dir string) {
			target := filepath.Join(filepath.Dir(dir), "elsewhere")
			if err := os.WriteFile(target, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			chmod(t, target, 0o666)
			file := filepath.Join(dir, SecretsFile)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, file); err != nil {
				t.Fatal(err)
			}
		}, []string{"secrets.env"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := dataDir(t)
			tt.change(t, dir)
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(dir, link); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{dir, link} { // by a link it is the same
				err := Open(path)
				if (err != nil) != (tt.want != nil) {
					t.Fatalf("%s: %v", path, err)
				}
				for _, want := range tt.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v, want %q", path, err, want)
					}
				}
			}
		})
	}
}

func TestDataDirOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can give files away: a system's folder has to do")
		if err := Check("/usr"); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
			t.Errorf("%v", err)
		}
		return
	}
	for _, name := range []string{"", SecretsFile, "sessions/sessions.jsonl"} {
		dir := dataDir(t)
		if err := os.Chown(filepath.Join(dir, name), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		fix := "chown 0 '"
		if name == "" {
			fix = "chown -R 0 '"
		}
		err := Open(dir)
		if err == nil || !strings.Contains(err.Error(), "belongs to another user") || !strings.Contains(err.Error(), "run this as that user") || !strings.Contains(err.Error(), fix) {
			t.Errorf("%q: %v", name, err)
		}
		if name == "" && strings.Contains(err.Error(), "\n") {
			t.Errorf("one fix for the whole folder is told as many: %v", err)
		}
	}
}

func TestMissingDataDirIsMadeForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := Check(dir); err != nil {
		t.Errorf("missing: %v", err)
	}
	if err := Open(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}
