package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// fillTheDisk runs into a limit of file size in the middle of a line, as on a
// full disk, then has space again.
func fillTheDisk(dir string) {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	s, err := filestore.Open(filestore.Config{Dir: dir, Now: time.Now})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		fmt.Println("error", err)
		return
	}
	full := before
	full.Cur = 1777
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		fmt.Println("error", err)
		return
	}
	failed := 0
	for i := range 40 {
		if i == 30 {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
				fmt.Println("error", err)
				return
			}
		}
		id := fmt.Sprintf("s%d", i)
		if _, err := s.Create(ctx, plain("user", id, time.Now())); err != nil {
			failed++
			if x, err := s.Get(ctx, "user", id); err == nil {
				fmt.Println("error: refused and there", x)
			}
			continue
		}
		fmt.Println("kept", id)
	}
	fmt.Println("failed", failed)
}

// crowdTheDisk has a disk become full during a compaction.
func crowdTheDisk(dir string) {
	ctx := context.Background()
	s, err := filestore.Open(filestore.Config{Dir: dir, Now: time.Now})
	for i := 0; err == nil && i < 600; i++ {
		_, err = s.Create(ctx, plain(fmt.Sprintf("u%d", i), "s", time.Now()))
	}
	if err != nil {
		fmt.Println("error", err)
		return
	}
	filler, parts := filepath.Join(dir, "filler"), 0
	s.OnStep(func(step string) {
		if step != "some sessions written" {
			return
		}
		if parts++; parts != 2 { // the first one may be in the buffer
			return
		}
		f, err := os.Create(filler)
		for err == nil {
			_, err = f.Write(make([]byte, 1024))
		}
		if f.Close() != nil || !errors.Is(err, syscall.ENOSPC) {
			fmt.Println("error", err)
		}
		for i := range 100 { // more than fits where there is space in a page that is begun
			x, err := s.Get(ctx, fmt.Sprintf("u%d", i), "s")
			if err == nil {
				err = s.Swap(ctx, x, x)
			}
			if err != nil {
				fmt.Println("error", i, err)
				return
			}
		}
	})
	fmt.Println("compaction:", s.Compact())
	s.OnStep(nil)
	_, err = os.Stat(filepath.Join(dir, "sessions.jsonl.new"))
	fmt.Println("left:", err == nil)
	if err := os.Remove(filler); err != nil {
		fmt.Println("error", err)
	}
	fmt.Println("then:", s.Compact())
	for i := range 600 {
		if x, err := s.Get(ctx, fmt.Sprintf("u%d", i), "s"); err != nil || (x.Version == 1) != (i < 100) {
			fmt.Println("error", i, x.Version, err)
		}
	}
}

// A compaction must not take the last of the disk from the calls.
func TestDiskThatBecomesFullDuringACompaction(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("needs root: a disk of its own: %v %s", err, out)
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	inside := exec.Command("unshare", "-m", "sh", "-euc", `mount -t tmpfs -o size=1m,mode=700 none "$1"; exec "$2"`, "sh", dir, self)
	inside.Env, inside.Stderr = append(os.Environ(), childMode+"=crowd", childDir+"="+dir), t.Output()
	out, err := inside.Output()
	said := string(out)
	if err != nil || strings.Contains(said, "error") || !strings.HasPrefix(said, "compaction: filestore: given up") ||
		!strings.HasSuffix(said, "left: false\nthen: <nil>\n") {
		t.Errorf("%v; the child says:\n%s", err, said)
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "fill", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	kept := strings.Count(string(out), "kept")
	if strings.Contains(string(out), "error") || strings.Contains(string(out), "failed 0\n") || kept < 11 {
		t.Fatalf("the child says:\n%s", out)
	}
	s := open(t, filestore.Config{Dir: dir, Now: time.Now})
	list, err := sessiontest.ListSessions(t.Context(), s, "user")
	if err != nil || len(list) != kept {
		t.Errorf("%d sessions after a full disk, %v; %d were confirmed", len(list), err, kept)
	}
	for _, x := range list {
		if !strings.Contains(string(out), "kept "+x.ID+"\n") {
			t.Errorf("%s was refused and is there", x.ID)
		}
	}
}

func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "a", "data")
	open(t, filestore.Config{Dir: dir, Now: time.Now})
	for name, want := range map[string]os.FileMode{"": 0o700, "sessions.jsonl": 0o600, "sessions.lock": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}
