package filestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// killedNow gives the store that a process would find which comes after one
// that is killed at this moment: what was written is in files, what is in
// memory is gone.
func killedNow(t *testing.T, dir string) *filestore.Store {
	t.Helper()
	image := t.TempDir()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // was renamed
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(image, f.Name()), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := reopen(t, filestore.Config{Dir: image, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// crowd is so many sessions that a compaction takes several steps over them.
func crowd(t *testing.T, s *filestore.Store, n int) {
	t.Helper()
	for i := range n {
		if _, err := s.Create(t.Context(), plain(fmt.Sprintf("crowd%d", i), "session", time.Now())); err != nil {
			t.Fatal(err)
		}
	}
}

// What is asked for at any step of a compaction holds for a process that is
// killed at any later one: a session that ended stays ended, wherever it was.
func TestKillAtEachStepOfACompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filestore.Config{Dir: dir, Now: time.Now})
	crowd(t, s, 600)
	versions := map[string]uint64{}
	ended := map[string]bool{}
	acted := 0
	act := func() {
		acted++
		ids := []string{fmt.Sprintf("ends%d", acted), fmt.Sprintf("moves%d", acted), fmt.Sprintf("new%d", acted)}
		for _, id := range ids[:2] {
			x, err := s.Get(t.Context(), "user", id)
			if err == nil && id == ids[0] {
				err = s.End(t.Context(), session.Revocation{UserID: "user", SessionID: id, Reason: session.ReasonSignOut, At: time.Now()})
				ended[id] = true
			} else if err == nil {
				err = s.Swap(t.Context(), x, x)
				versions[id] = x.Version + 1
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Create(t.Context(), plain("user", ids[2], time.Now())); err != nil {
			t.Fatal(err)
		}
		versions[ids[2]] = 0
	}
	const steps = 8 // with two of 256 of the 600 sessions
	for i := range steps + 2 {
		for _, id := range []string{fmt.Sprintf("ends%d", i), fmt.Sprintf("moves%d", i)} {
			if _, err := s.Create(t.Context(), plain("user", id, time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		versions[fmt.Sprintf("moves%d", i)] = 0
	}
	check := func(when string) {
		t.Helper()
		after := killedNow(t, dir)
		defer after.Close()
		for id := range ended {
			if x, err := after.Get(t.Context(), "user", id); !errors.Is(err, session.ErrNoSession) {
				t.Errorf("%s: %s ended and is back: %+v, %v", when, id, x, err)
			}
		}
		for id, want := range versions {
			if x, err := after.Get(t.Context(), "user", id); err != nil || x.Version != want {
				t.Errorf("%s: %s has version %d, %v; want %d", when, id, x.Version, err, want)
			}
		}
		for i := range 600 {
			if _, err := after.Get(t.Context(), fmt.Sprintf("crowd%d", i), "session"); err != nil {
				t.Fatalf("%s: crowd%d: %v", when, i, err)
			}
		}
		heard := told(t, after)
		slices.SortFunc(heard, func(a, b session.Revocation) int { return strings.Compare(a.SessionID, b.SessionID) })
		if len(heard) != len(ended) || len(slices.CompactFunc(heard, func(a, b session.Revocation) bool { return a.SessionID == b.SessionID })) != len(ended) {
			t.Errorf("%s: revocations of %v, want one of each of %v", when, heard, ended)
		}
	}
	var seen []string
	s.OnStep(func(step string) {
		seen = append(seen, step)
		if strings.Contains(step, "calls wait") {
			check(step)
			return
		}
		check("before anything " + step)
		act()
		check(step)
	})
	if err := s.Compact(); err != nil {
		t.Fatal(err)
	}
	s.OnStep(nil)
	check("after it")
	want := []string{"begun", "endings written", "some sessions written", "some sessions written", "sessions written", "caught up", "renamed, calls wait", "swapped"}
	if !slices.Equal(seen, want) {
		t.Errorf("steps %q, want %q", seen, want)
	}
	act()
	check("a call after it")
}

// told gives all revocations that a new follower is told of.
func told(t *testing.T, s *filestore.Store) (all []session.Revocation) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	_ = s.Subscribe(ctx, time.Hour, session.Subscriber{
		Revoked: func(r session.Revocation) { all = append(all, r) }, Lost: func(time.Time) {}, CaughtUp: cancel,
	})
	return all
}

// Calls used to wait for all of a compaction.
func TestCallsDoNotWaitForACompaction(t *testing.T) {
	t.Parallel()
	s := open(t, filestore.Config{Dir: t.TempDir(), Now: time.Now})
	x := plain("user", "session", time.Now())
	if _, err := s.Create(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	held, goOn := make(chan struct{}), make(chan struct{})
	s.OnStep(func(step string) {
		if step == "begun" {
			close(held)
			<-goOn
		}
	})
	for range 1100 { // one of them begins it
		if err := s.Swap(t.Context(), x, x); err != nil {
			t.Fatal(err)
		}
		x.Version++
	}
	select {
	case <-held:
	case <-time.After(time.Minute):
		t.Fatal("no call has begun a compaction")
	}
	for range 10 {
		if err := s.Swap(t.Context(), x, x); err != nil {
			t.Fatal(err)
		}
		x.Version++
	}
	close(goOn)
	s.Settle()
}

func TestCompactionThatFailsLeavesTheJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	s, err := filestore.Open(filestore.Config{Dir: dir, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	x := plain("user", "session", time.Now())
	if _, err := s.Create(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	obstacle := filepath.Join(dir, "sessions.jsonl.new", "x")
	if err := os.MkdirAll(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	swap := func(n int) {
		t.Helper()
		for range n {
			if err := s.Swap(t.Context(), x, x); err != nil {
				t.Fatal(err)
			}
			x.Version++
		}
	}
	for n := 0; n < 3000 && log.Len() == 0; n += 100 {
		swap(100)
		s.Settle()
	}
	swap(500) // each of which used to try again
	s.Settle()
	if tries := strings.Count(log.String(), "could not be compacted"); tries != 1 || !strings.Contains(log.String(), "sessions.jsonl.new") {
		t.Errorf("%d warnings of one trouble:\n%s", tries, log.String())
	}
	after := killedNow(t, dir)
	if got, err := after.Get(t.Context(), "user", "session"); err != nil || got.Version != x.Version {
		t.Errorf("version %d, %v; want %d", got.Version, err, x.Version)
	}
	if err := errors.Join(after.Close(), os.RemoveAll(filepath.Dir(obstacle))); err != nil {
		t.Fatal(err)
	}
	swap(1100)
	s.Settle()
	s.Tidy()
	if text, err := os.ReadFile(filepath.Join(dir, "sessions.jsonl")); err != nil || bytes.Count(text, []byte("\n")) > 1600 {
		t.Errorf("%d lines after the trouble was over, %v", bytes.Count(text, []byte("\n")), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A store that is closed does not wait until a compaction has been written.
func TestCloseEndsACompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filestore.Config{Dir: dir, Now: time.Now})
	crowd(t, s, 600)
	closed := make(chan error, 1)
	s.OnStep(func(step string) {
		if step != "endings written" {
			return
		}
		go func() { closed <- s.Close() }()
		for {
			if _, err := s.Get(t.Context(), "user", "session"); !errors.Is(err, session.ErrNoSession) {
				return
			}
		}
	})
	if err := s.Compact(); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("the compaction ended with %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sessions.jsonl.new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was begun is still there: %v", err)
	}
	s = open(t, filestore.Config{Dir: dir, Now: time.Now})
	if _, err := s.Get(t.Context(), "crowd599", "session"); err != nil {
		t.Error(err)
	}
}
