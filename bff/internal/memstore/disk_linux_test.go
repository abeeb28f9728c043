package memstore_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/memstore"
)

// fillTheDisk runs into a limit of file size in the middle of a line, as on a
// full disk, then has space again.
func fillTheDisk(dir string) {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	s, err := memstore.Open(memstore.Config{Dir: dir, Now: time.Now})
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
	s := open(t, memstore.Config{Dir: dir, Now: time.Now})
	list, err := authtest.ListSessions(t.Context(), s, "user")
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
	open(t, memstore.Config{Dir: dir, Now: time.Now})
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
