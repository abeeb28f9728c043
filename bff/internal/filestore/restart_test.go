package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// restarting is a store that is closed and opened again before it is asked
// about what was written, so that the contract is put to what is on disk.
type restarting struct {
	*filestore.Store
	written atomic.Bool
	again   func() *filestore.Store
}

func (r *restarting) wrote(err error) error {
	if err == nil {
		r.written.Store(true)
	}
	return err
}

func (r *restarting) Create(ctx context.Context, x session.Record) ([]string, error) {
	displaced, err := r.Store.Create(ctx, x)
	return displaced, r.wrote(err)
}

func (r *restarting) Swap(ctx context.Context, old, next session.Record) error {
	return r.wrote(r.Store.Swap(ctx, old, next))
}

func (r *restarting) End(ctx context.Context, ends ...session.Revocation) error {
	return r.wrote(r.Store.End(ctx, ends...))
}

func (r *restarting) Get(ctx context.Context, userID, id string) (session.Record, error) {
	if r.written.Swap(false) {
		r.Store = r.again()
	}
	return r.Store.Get(ctx, userID, id)
}

func TestSessionsAcrossRestarts(t *testing.T) {
	sessiontest.RunSessions(t, func(t *testing.T, clock *sessiontest.Clock) sessiontest.Store {
		c := filestore.Config{Dir: t.TempDir(), Now: clock.Now, Keep: 4 * time.Hour}
		r := &restarting{Store: open(t, c)}
		r.again = func() *filestore.Store {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, c)
		}
		return r
	})
}

// An access token outlives the process, so the revocation must too.
func TestRevocationsSurviveARestart(t *testing.T) {
	clock := sessiontest.NewClock()
	c := filestore.Config{Dir: t.TempDir(), Now: clock.Now, Keep: 20 * time.Minute}
	s := open(t, c)
	end := func(id string) session.Revocation {
		r := session.Revocation{UserID: "u\xff", SessionID: id, Reason: session.ReasonRefreshReuse, At: clock.Now()}
		if err := s.End(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	end("old")
	clock.Advance(21 * time.Minute)
	want := []session.Revocation{end("one"), end("two")}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, c)
	}
	f := sessiontest.Subscribe(t, s, 24*time.Hour)
	f.Expect(t, want...)
	want = append(want, end("three"))
	f.Expect(t, want...)
	if diff := cmp.Diff(want, f.Received()); diff != "" {
		t.Errorf("heard after restarts (-want +got):\n%s", diff)
	}
}

func TestOneProcessOwnsAFolder(t *testing.T) {
	c := filestore.Config{Dir: t.TempDir(), Now: time.Now}
	first := open(t, c)
	if _, err := reopen(t, c); err == nil || !strings.Contains(err.Error(), c.Dir) || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("the second one is told %v, want that %s is in use", err, c.Dir)
	}
	if _, err := first.Create(t.Context(), plain("u", "s", time.Now())); err != nil {
		t.Errorf("the first one, after the second was refused: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, c).Get(t.Context(), "u", "s"); err != nil {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	s := open(t, filestore.Config{Now: time.Now})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "u", "s"); !errors.Is(err, session.ErrSessionStore) {
		t.Errorf("get after close: %v, want ErrSessionStore", err)
	}
}

// The journal and the memory are bounded by what is alive, however many
// sessions come and go.
func TestBounded(t *testing.T) {
	clock := sessiontest.NewClock()
	dir := t.TempDir()
	s := open(t, filestore.Config{Dir: dir, Now: clock.Now, Keep: time.Minute})
	stays := plain("u", "stays", clock.Now())
	stays.IdleEnd = clock.Now().Add(24 * time.Hour)
	if _, err := s.Create(t.Context(), stays); err != nil {
		t.Fatal(err)
	}
	var largest int64
	for i := range 6000 {
		x := plain("u", fmt.Sprintf("s%d", i), clock.Advance(time.Second))
		x.IdleEnd = clock.Now().Add(time.Minute)
		if _, err := s.Create(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			if err := s.End(t.Context(), session.Revocation{UserID: "u", SessionID: x.ID, At: clock.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		s.Settle() // what is written during a compaction comes on top
		info, err := os.Stat(filepath.Join(dir, "sessions.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	if largest > 600_000 {
		t.Errorf("the journal of about 60 live sessions reached %d bytes", largest)
	}
	if kept := s.Kept(); kept > 4000 {
		t.Errorf("%d sessions and revocations in memory, about 60 are alive", kept)
	}
	clock.Advance(time.Hour)
	s.Tidy()
	if kept := s.Kept(); kept != 1 {
		t.Errorf("%d sessions and revocations in memory, want the one that is alive", kept)
	}
	if _, err := s.Get(t.Context(), "u", "stays"); err != nil {
		t.Error(err)
	}
}

// A follower that is busy with one revocation is still told of the next, even
// if that has had its time by then.
func TestSlowFollower(t *testing.T) {
	clock := sessiontest.NewClock()
	s := open(t, filestore.Config{Now: clock.Now, Keep: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	heard, goOn, ended := make(chan string), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.Subscribe(ctx, time.Hour, session.Subscriber{
			Revoked: func(r session.Revocation) {
				heard <- r.SessionID
				<-goOn
			},
			Lost: func(time.Time) {}, CaughtUp: func() {},
		})
	}()
	end := func(id string) {
		if err := s.End(ctx, session.Revocation{UserID: "u", SessionID: id, At: clock.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	end("one")
	if id := <-heard; id != "one" {
		t.Fatalf("heard of %q first", id)
	}
	end("two")
	clock.Advance(time.Hour)
	s.Tidy()
	end("three")
	for _, want := range []string{"two", "three"} {
		goOn <- struct{}{}
		select {
		case id := <-heard:
			if id != want {
				t.Errorf("heard of %q, want %q", id, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("did not hear of %q", want)
		}
	}
	cancel()
	close(goOn)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow gave %v", err)
	}
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, filestore.Config{Now: time.Now}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run gave %v", err)
	}
}

// A journal from before there was a limit holds any number of sessions of one
// account: those seen longest ago end when it is opened, and say so.
func TestSurplusOfAnOldJournalEndsAtOpening(t *testing.T) {
	clock := sessiontest.NewClock()
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString(`{"journal":1}` + "\n")
	for i := range 3000 {
		seen := clock.Now().Add(time.Duration(i-3000) * time.Second).UnixMilli()
		fmt.Fprintf(&text, `{"put":{"user":"u","id":"s%d","version":1,"email":"a@b.c","role":"user","idleEnd":%d,"lastSeen":%d}}`+"\n",
			i, clock.Now().Add(time.Hour).UnixMilli(), seen)
	}
	if err := os.WriteFile(filepath.Join(dir, "sessions.jsonl"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := filestore.Config{Dir: dir, Now: clock.Now}
	s := open(t, c)
	check := func() {
		t.Helper()
		list, err := sessiontest.ListSessions(t.Context(), s, "u")
		if err != nil || len(list) != session.MaxSessions {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		if _, err := s.Get(t.Context(), "u", "s2900"); err != nil {
			t.Errorf("one of the last hundred: %v", err)
		}
	}
	check()
	f := sessiontest.Subscribe(t, s, time.Hour)
	f.Expect(t, session.Revocation{UserID: "u", SessionID: "s2899", Reason: session.ReasonSessionLimit, At: clock.Now().Truncate(time.Millisecond)})
	f.Stop(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c)
	check()
}

// Moving the journal away ends every session, and used to leave the access
// tokens of those that had been signed out good until they expired.
func TestMissingOrBrokenJournalIsALoss(t *testing.T) {
	clock := sessiontest.NewClock()
	now := clock.Now().Truncate(time.Second)
	for what, tt := range map[string]struct {
		journal string
		lost    bool
	}{
		"missing":                 {"", true},
		"whole":                   {`{"journal":1}` + "\n", false},
		"without its last line":   {`{"journal":1}` + "\n" + `{"end":{"user"`, true},
		"with garbage at its end": {`{"journal":1}` + "\n" + "\x00\x00\n", true},
	} {
		t.Run(what, func(t *testing.T) {
			c := filestore.Config{Dir: t.TempDir(), Now: clock.Now}
			if tt.journal != "" {
				if err := os.WriteFile(filepath.Join(c.Dir, "sessions.jsonl"), []byte(tt.journal), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var lost []time.Time
			ctx, cancel := context.WithCancel(t.Context())
			_ = open(t, c).Subscribe(ctx, time.Hour, session.Subscriber{
				Revoked: func(session.Revocation) {}, Lost: func(before time.Time) { lost = append(lost, before) }, CaughtUp: cancel,
			})
			if (len(lost) == 1 && lost[0].Equal(now)) != tt.lost || len(lost) > 1 {
				t.Errorf("lost from before %v, want it to be %v", lost, tt.lost)
			}
		})
	}
}
