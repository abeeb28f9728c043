package filestore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const (
	childMode = "MEMSTORE_TEST_CHILD"
	childDir  = "MEMSTORE_TEST_DIR"
)

// actAsChild plays the process that is killed, when asked to.
func actAsChild() bool {
	switch os.Getenv(childMode) {
	case "rotate":
		rotateForever(os.Getenv(childDir))
	case "fill":
		fillTheDisk(os.Getenv(childDir))
	case "crowd":
		crowdTheDisk(os.Getenv(childDir))
	default:
		return false
	}
	return true
}

// rotateForever says on standard output what the store has confirmed.
func rotateForever(dir string) {
	s, err := filestore.Open(filestore.Config{Dir: dir, Now: time.Now})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	x, err := s.Get(context.Background(), "user", "session")
	if errors.Is(err, session.ErrNoSession) {
		x = plain("user", "session", time.Now())
		_, err = s.Create(context.Background(), x)
	}
	for err == nil {
		fmt.Println(x.Version)
		next := x
		next.Generation++
		err = s.Swap(context.Background(), x, next)
		next.Version++
		x = next
	}
	fmt.Println("error", err)
}

func plain(userID, id string, now time.Time) session.Record {
	return session.Record{
		UserID: userID, ID: id, CreatedAt: now, IdleEnd: now.Add(time.Hour), AbsoluteEnd: now.Add(24 * time.Hour),
		Account: session.Account{Email: "ada@example.com", Role: session.RoleUser}, Generation: 1,
	}
}

func child(t *testing.T, mode, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childMode+"="+mode, childDir+"="+dir)
	cmd.Stderr = t.Output()
	return cmd
}

// A rotation that was answered and then forgotten would make the browser's new
// token look forged, and the session would be revoked as stolen.
func TestKillNeverRollsBack(t *testing.T) {
	dir := t.TempDir()
	var confirmed uint64
	for round := range 6 {
		cmd := child(t, "rotate", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Far enough for compactions, which come about once in a thousand lines.
		lines, kill := bufio.NewScanner(out), uint64(700+round*611)
		for lines.Scan() {
			var version uint64
			if _, err := fmt.Sscan(lines.Text(), &version); err != nil {
				t.Fatalf("the child says %q", lines.Text())
			}
			if version < confirmed {
				t.Fatalf("version %d after %d was confirmed", version, confirmed)
			}
			if confirmed = version; kill > 0 {
				if kill--; kill == 0 {
					if err := cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if kill > 0 {
			t.Fatal("the child ended before it was killed")
		}
		_ = cmd.Wait() // "signal: killed"

		s := open(t, filestore.Config{Dir: dir, Now: time.Now})
		x, err := s.Get(t.Context(), "user", "session")
		if err != nil {
			t.Fatal(err)
		}
		// One swap may have been written and not yet said.
		if x.Version < confirmed || x.Version > confirmed+1 {
			t.Fatalf("after the kill the version is %d, confirmed was %d", x.Version, confirmed)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever prefix of the journal a crash leaves, the store opens with all that
// the whole lines say.
func TestEveryPrefixOpens(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filestore.Config{Dir: dir, Now: time.Now})
	x := plain("user", "session", time.Now())
	if _, err := s.Create(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Swap(t.Context(), x, x); err != nil {
			t.Fatal(err)
		}
		x.Version++
	}
	if err := s.End(t.Context(), session.Revocation{UserID: "user", SessionID: "session", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "sessions.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) + 1 {
		// Every place near a line's end, and some within.
		if near := whole[max(0, n-3):min(len(whole), n+3)]; n%23 != 0 && !bytes.Contains(near, []byte("\n")) {
			continue
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sessions.jsonl"), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, filestore.Config{Dir: dir, Now: time.Now})
		got, err := s.Get(t.Context(), "user", "session")
		switch lines := bytes.Count(whole[:n], []byte("\n")); lines {
		case 0, 1, 5: // nothing, the header, the end
			if !errors.Is(err, session.ErrNoSession) {
				t.Errorf("after %d bytes: %+v, %v, want ErrNoSession", n, got, err)
			}
		default:
			if err != nil || got.Version != uint64(lines-2) {
				t.Errorf("after %d bytes: version %d, %v, want %d", n, got.Version, err, lines-2)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestGarbage(t *testing.T) {
	header := `{"journal":1}` + "\n"
	put := `{"put":{"user":"u","id":"s","version":4,"email":"e","role":"user","idleEnd":99999999999999,"later":{"a":[1]}},"more":1}` + "\n"
	for _, tt := range []struct {
		name, journal, refused string
	}{
		{"nothing", "", ""},
		{"torn last line", header + put + `{"put":{"user":"u","id":"s","ver`, ""},
		{"zeros after a power cut", header + put + strings.Repeat("\x00", 4096), ""},
		{"unreadable last line", header + put + "\x00\x00\x00\n", ""},
		{"unreadable line within", header + "{\n" + put, "line 2"},
		{"a line that says nothing", header + "{}\n" + put, "line 2"},
		{"two lines glued together", header + `{"put":{"user":"u","i` + put + put, "line 2"},
		{"a newer format", `{"journal":2}` + "\n" + put, "newer version"},
		{"a newer format and nothing else", `{"journal":2}` + "\n", "newer version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "sessions.jsonl")
			if err := os.WriteFile(path, []byte(tt.journal), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := reopen(t, filestore.Config{Dir: dir, Now: time.Now})
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) || !strings.Contains(err.Error(), path) {
					t.Fatalf("opened with %v, want one that names %q and the file", err, tt.refused)
				}
				if kept, err := os.ReadFile(path); err != nil || string(kept) != tt.journal {
					t.Errorf("what was refused has been changed: %q, %v", kept, err)
				}
				// Refusing must let go of the lock, or mending would not help.
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				open(t, filestore.Config{Dir: dir, Now: time.Now})
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if x, err := s.Get(t.Context(), "u", "s"); tt.journal != "" && (err != nil || x.Version != 4) {
				t.Errorf("got %+v, %v", x, err)
			}
		})
	}
}
