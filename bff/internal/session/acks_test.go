package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// flakyStore fails with what failure points at.
type flakyStore struct {
	Store
	failure *error
}

func (f flakyStore) Get(context.Context, string, string) (Record, error) {
	return Record{}, cmp.Or(*f.failure, ErrNoSession)
}

// During an outage of Redis the log had a line for each session and try.
func TestAnOutageIsTwoLinesInTheLog(t *testing.T) {
	for name, with := range map[string]func(*error, *slog.Logger, func() time.Time) (try func(session int)){
		"acks": func(failure *error, log *slog.Logger, now func() time.Time) func(int) {
			r := newAckTracker(flakyStore{failure: failure}, log, now)
			return func(session int) {
				r.writeAck(t.Context(), ack{userID: "u", sessionID: fmt.Sprint(session), generation: 2})
			}
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
