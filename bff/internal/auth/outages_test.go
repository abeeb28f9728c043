package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// noSessions has sessions of no account.
type noSessions struct{ session.Store }

// These fail with what failure points at.
type (
	flakyUsers struct {
		Users
		failure *error
	}
	flakyAudit struct {
		Audit
		failure *error
	}
)

func (f flakyUsers) PendingSyncs(context.Context, time.Time, int) ([]PendingSync, error) {
	return nil, *f.failure
}

// One that is gone has no session left.
func (flakyUsers) ByID(context.Context, string) (User, error) { return User{}, ErrNoUser }

func (noSessions) Page(context.Context, string, string) ([]session.Record, string, error) {
	return nil, "", nil
}

func (f flakyUsers) SyncsDone(context.Context, ...PendingSync) error { return *f.failure }

func (f flakyUsers) SetPasswordHash(context.Context, string, string, string) error {
	return *f.failure
}

type flakyMailer struct{ failure *error }

func (f flakyMailer) Deliver(context.Context, Notice) error { return *f.failure }

func (f flakyAudit) Append(context.Context, ...Event) error { return *f.failure }

// During an outage of Redis the log had a line for each session and try; of
// MySQL, one every second.
func TestAnOutageIsTwoLinesInTheLog(t *testing.T) {
	for name, with := range map[string]func(*error, *slog.Logger, func() time.Time) (try func(session int)){
		"audit": func(failure *error, log *slog.Logger, now func() time.Time) func(int) {
			trail := newAuditWriter(flakyAudit{failure: failure}, log, now)
			return func(int) { trail.storeBatch(t.Context(), []Event{{}}) }
		},
		"notices": func(failure *error, log *slog.Logger, now func() time.Time) func(int) {
			q := newNotices(flakyMailer{failure}, log, now, func(string) {})
			q.due = func(context.Context, Notice) (string, error) { return "", nil }
			return func(user int) { q.deliver(t.Context(), pending{Notice: Notice{UserID: fmt.Sprint(user)}}) }
		},
		"settled changes": func(failure *error, log *slog.Logger, now func() time.Time) func(int) {
			s := New(Deps{Users: flakyUsers{failure: failure}, Sessions: noSessions{}, Log: log, Now: now})
			return func(user int) { _ = s.syncSessions(t.Context(), PendingSync{UserID: fmt.Sprint(user)}, false) }
		},
		"hashes": func(failure *error, log *slog.Logger, now func() time.Time) func(int) {
			passwords, err := password.NewHasher(4, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			s := New(Deps{Users: flakyUsers{failure: failure}, Passwords: passwords, Log: log, Now: now})
			return func(user int) { s.rehash(t.Context(), User{ID: fmt.Sprint(user)}, "p") }
		},
		"outbox": func(failure *error, log *slog.Logger, now func() time.Time) func(int) {
			s := New(Deps{Users: flakyUsers{failure: failure}, Log: log, Now: now})
			return func(int) { s.flushOutbox(t.Context()) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			now := time.Now()
			var failure error
			try := with(&failure, slog.New(slog.NewTextHandler(&text, nil)), func() time.Time { return now })
			lines := func(want int, last ...string) {
				t.Helper()
				all := strings.Split(strings.TrimSpace(text.String()), "\n")
				if text.Len() == 0 {
					all = nil
				}
				if len(all) != want {
					t.Fatalf("%d lines, want %d:\n%s", len(all), want, text.String())
				}
				for _, part := range last {
					if !strings.Contains(all[len(all)-1], part) {
						t.Errorf("the last line has no %s: %s", part, all[len(all)-1])
					}
				}
			}
			outage := errors.New("the store is away")
			works := func(session int) { failure = nil; try(session) }
			fails := func(session int) { failure = outage; try(session) }
			works(0)
			lines(0)
			for session := range 100 {
				fails(session)
				now = now.Add(time.Second)
				works(session) // another part of the store is there
			}
			lines(1, "level=WARN", `error="the store is away`)
			now = now.Add(10 * time.Second)
			works(0)
			lines(2, "level=INFO", "again", "failures=100", "for=1m39s")
			works(0)
			lines(2)
			fails(0)
			lines(3, "level=WARN")
			// Without a try that works in between it is another one all the same.
			now = now.Add(time.Hour)
			fails(0)
			lines(5, "level=WARN")
		})
	}
}
