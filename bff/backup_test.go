package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// backedUp makes a DATA_DIR with two accounts, and returns its parent folder.
func backedUp(t *testing.T) (env map[string]string, beside string) {
	t.Helper()
	beside, err := filepath.EvalSymlinks(t.TempDir()) // macOS has one on the way
	if err != nil {
		t.Fatal(err)
	}
	env = map[string]string{"DATA_DIR": filepath.Join(beside, "data")}
	for _, email := range []string{"ada@example.com", "bob@example.com"} {
		operate(t, env, strings.NewReader(operatorsPassword), "create", email).want(t, email, 0, "created "+email, "")
	}
	return env, beside
}

func namesIn(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func freshSecrets(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for line := range strings.Lines(gatehouse(t, nil, "keys").stdout) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[name] = strings.Trim(value, `"`)
	}
	return values
}

func TestBackupIsADataDir(t *testing.T) {
	t.Parallel()
	env, beside := backedUp(t)
	empty := filepath.Join(beside, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{empty, filepath.Join(beside, "it's new?")} {
		gatehouse(t, env, "backup", dir).want(t, dir, 0, "DATA_DIR="+dir, "")
		if got := namesIn(t, dir); got != "gatehouse.db secrets.env sessions" {
			t.Errorf("%s holds %s", dir, got)
		}
		for name, want := range map[string]fs.FileMode{"": 0o700, "gatehouse.db": 0o600, "secrets.env": 0o600, "sessions": 0o700, "sessions/sessions.jsonl": 0o600} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
				t.Errorf("%q: %v, %v; want mode %o", name, info, err, want)
			}
		}
		restored := map[string]string{"DATA_DIR": dir}
		operate(t, restored, nil, "list").want(t, "accounts of the backup", 0, "bob@example.com", "")
		here, _ := os.ReadFile(filepath.Join(env["DATA_DIR"], "secrets.env"))
		there, err := os.ReadFile(filepath.Join(dir, "secrets.env"))
		if err != nil || len(here) == 0 || !bytes.Equal(here, there) {
			t.Errorf("the secrets are not those of the server (%v)", err)
		}
	}
	if got := namesIn(t, beside); got != "data empty it's new?" {
		t.Errorf("beside it there is %s", got)
	}
	// A link to an empty folder stays one.
	link, behind := filepath.Join(beside, "link"), filepath.Join(filepath.Dir(env["DATA_DIR"]), "disk")
	if err := errors.Join(os.Mkdir(behind, 0o755), os.Symlink(behind, link)); err != nil {
		t.Fatal(err)
	}
	gatehouse(t, env, "backup", link).want(t, "by a link", 0, "DATA_DIR="+behind, "")
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 || namesIn(t, behind) != "gatehouse.db secrets.env sessions" {
		t.Errorf("the link is %v, %v", info, err)
	}
	// Those that come from elsewhere are named.
	env["JWT_ACCESS_SECRET"] = freshSecrets(t)["JWT_ACCESS_SECRET"]
	named := gatehouse(t, env, "backup", filepath.Join(beside, "third"))
	named.want(t, "a secret of one's own", 0, "Not in it, as they come from the configuration: JWT_ACCESS_SECRET.", "")
	if strings.Contains(named.stdout, env["JWT_ACCESS_SECRET"]) {
		t.Errorf("it says the secret:\n%s", named.stdout)
	}
}

func TestBackupIsRefused(t *testing.T) {
	t.Parallel()
	env, beside := backedUp(t)
	file := filepath.Join(beside, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(beside, "dangling")
	if err := os.Symlink(filepath.Join(beside, "unmounted", "disk"), dangling); err != nil {
		t.Fatal(err)
	}
	services := freshSecrets(t)
	services["MYSQL_DSN"], services["REDIS_URL"] = "gatehouse:x@tcp(127.0.0.1:1)/gatehouse", "redis://127.0.0.1:1"
	for what, tt := range map[string]struct {
		env  map[string]string
		dir  string
		says []string
	}{
		"into DATA_DIR":            {env, env["DATA_DIR"], []string{"is not empty", "name a folder that does not exist yet"}},
		"over what there is":       {env, beside, []string{"is not empty", filepath.Join(beside, "2026-01-31")}},
		"over a file":              {env, file, []string{"is a file"}},
		"into no folder":           {env, filepath.Join(beside, "no", "backup"), []string{"make the folder that", "no such file or directory"}},
		"behind a link to nothing": {env, dangling, []string{"dangling is a link to " + filepath.Join(beside, "unmounted", "disk") + ", which is not there"}},
		"of a folder with nothing": {map[string]string{"DATA_DIR": filepath.Join(beside, "wrong")}, filepath.Join(beside, "b"), []string{"there are no accounts in", "is DATA_DIR the server's?"}},
		"of MySQL and Redis":       {services, filepath.Join(beside, "b"), []string{"mysqldump --single-transaction", "xtrabackup", "Redis needs no backup", "secrets"}},
	} {
		got := gatehouse(t, tt.env, "backup", tt.dir)
		for _, want := range tt.says {
			got.want(t, what, 1, "", want)
		}
	}
	gatehouse(t, env, "backup").want(t, "nowhere", 2, "", "DIR is missing")
	gatehouse(t, env, "backup", file, "surplus").want(t, "two folders", 2, "", `unexpected argument "surplus"`)

	// An interrupted backup leaves nothing that looks like one.
	ctx, leave := context.WithCancel(t.Context())
	leave()
	var out bytes.Buffer
	code := run(ctx, process{
		args: []string{"backup", filepath.Join(beside, "b")}, getenv: func(name string) string { return env[name] }, now: time.Now, stdout: &out, stderr: &out,
	})
	if code != 1 {
		t.Errorf("given up: exit code %d: %s", code, out.String())
	}
	// Unreadable sessions are found after the accounts have been copied.
	journal := filepath.Join(env["DATA_DIR"], "sessions", "sessions.jsonl")
	if err := os.WriteFile(journal, []byte("{\"journal\":1}\nnonsense\n{\"journal\":1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gatehouse(t, env, "backup", filepath.Join(beside, "b")).want(t, "damaged sessions", 1, "", journal+", line 2")
	if got := namesIn(t, beside); got != "dangling data file" {
		t.Errorf("beside it there is %s", got)
	}
	if _, err := os.Readlink(dangling); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}
