package filestore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func markOf(t *testing.T, dir string) *filestore.Mark {
	t.Helper()
	m, err := filestore.MarkJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// A copy is of the moment when it was asked for, whatever comes after: further
// calls, a compaction, the end of the store.
func TestMarkIsOfOneMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filestore.Config{Dir: dir, Now: time.Now})
	crowd(t, s, 300)
	end := func(user string) {
		t.Helper()
		if err := s.End(t.Context(), session.Revocation{UserID: user, SessionID: "session", Reason: session.ReasonSignOut, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	swap := func(user string) {
		t.Helper()
		x, err := s.Get(t.Context(), user, "session")
		if err == nil {
			err = s.Swap(t.Context(), x, x)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	end("crowd0")
	swap("crowd1")
	m := markOf(t, dir)
	swap("crowd1")
	end("crowd2")
	copies := []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "c")}
	for i, then := range []func() error{func() error { return nil }, s.Compact, s.Close} {
		if err := errors.Join(then(), m.Copy(t.Context(), copies[i])); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]fs.FileMode{"": 0o700, "sessions.jsonl": 0o600} {
			if info, err := os.Stat(filepath.Join(copies[i], name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("%q: %v, %v; want mode %o", name, info, err, want)
			}
		}
		c := open(t, filestore.Config{Dir: copies[i], Now: time.Now})
		if x, err := c.Get(t.Context(), "crowd0", "session"); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("copy %d: ended before, and back: %+v, %v", i, x, err)
		}
		if x, err := c.Get(t.Context(), "crowd1", "session"); err != nil || x.Version != 1 {
			t.Errorf("copy %d: version %d, %v; want 1", i, x.Version, err)
		}
		if _, err := c.Get(t.Context(), "crowd2", "session"); err != nil {
			t.Errorf("copy %d: ended later: %v", i, err)
		}
		if n := len(told(t, c)); n != 1 {
			t.Errorf("copy %d: %d revocations, want the one from before", i, n)
		}
	}
	if err := m.Copy(t.Context(), copies[0]); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a journal: %v, want fs.ErrExist", err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if err := m.Copy(left, filepath.Join(t.TempDir(), "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// A line that is being written is no session yet. Garbage within is refused,
// as it would be when the copy is opened.
func TestMarkOfAJournalThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	header := `{"journal":1}` + "\n"
	put := `{"put":{"user":"u","id":"s","version":4,"email":"e","role":"user","idleEnd":99999999999999}}` + "\n"
	for name, tt := range map[string]struct{ journal, copied, refused string }{
		"no journal":      {"", "", ""},
		"whole":           {header + put, header + put, ""},
		"half a line":     {header + put + put[:30], header + put, ""},
		"a line of zeros": {header + put + "\x00\x00\n", header + put, ""},
		"garbage within":  {header + "{\n" + put, "", "line 2"},
		"a newer version": {`{"journal":2}` + "\n", "", "newer version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := t.TempDir(), t.TempDir()
			if tt.journal != "" {
				if err := os.WriteFile(filepath.Join(from, "sessions.jsonl"), []byte(tt.journal), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := markOf(t, from).Copy(t.Context(), to)
			if (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
				t.Fatalf("%v, want it to say %q", err, tt.refused)
			}
			text, err := os.ReadFile(filepath.Join(to, "sessions.jsonl"))
			if tt.refused == "" && string(text) != tt.copied || (tt.journal == "") != errors.Is(err, fs.ErrNotExist) {
				t.Errorf("copied %q, %v; want %q", text, err, tt.copied)
			}
		})
	}
}
