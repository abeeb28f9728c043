package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore"
)

// auditPage is how many events are read at once.
const auditPage = 1000

// Period is a half-open range of time, without To; a zero From includes the first
// event.
type Period struct{ From, To time.Time }

// auditLine is an event as `gatehouse audit export` prints it, with the API's
// field names.
type auditLine struct {
	At        time.Time      `json:"at"`
	ID        string         `json:"id"`
	Type      auth.EventType `json:"type"`
	UserID    string         `json:"userId"`
	ActorID   string         `json:"actorId"`
	SessionID string         `json:"sessionId"`
	Detail    string         `json:"detail"`
	IP        string         `json:"ip"`
	UserAgent string         `json:"userAgent"`
	RequestID string         `json:"requestId"`
}

// ExportAudit writes the events of a period as JSON lines, the oldest first.
// Events that servers write meanwhile are included if they are in the period.
func ExportAudit(ctx context.Context, o Options, p Period, w io.Writer) error {
	return withTrail(ctx, o, func(db *sqlstore.DB) error {
		out := bufio.NewWriter(w)
		lines := json.NewEncoder(out)
		lines.SetEscapeHTML(false)
		for after := (auth.Position{}); ; {
			events, err := db.Between(ctx, p.From, p.To, after, auditPage)
			if err != nil {
				return err
			}
			for _, e := range events {
				if err := lines.Encode(auditLine{e.At, e.ID, e.Type, e.UserID, e.ActorID, e.SessionID, e.Detail, e.IP, e.UserAgent, e.RequestID}); err != nil {
					return err
				}
				after = auth.Position{At: e.At, ID: e.ID}
			}
			if len(events) < auditPage {
				return out.Flush()
			}
		}
	})
}

// pruneRest is the pause between two steps, in which servers use the database.
const pruneRest = 20 * time.Millisecond

// PruneAudit deletes the events that are older than keep, and prints their number.
func PruneAudit(ctx context.Context, o Options, keep time.Duration, w io.Writer) error {
	return withTrail(ctx, o, func(db *sqlstore.DB) error {
		if err := auth.CheckClock(ctx, db, o.Now()); err != nil {
			return err
		}
		before := o.Now().Add(-keep)
		for total := 0; ; {
			n, err := db.Prune(ctx, before)
			total += n
			if err != nil {
				return fmt.Errorf("%w (%d events were deleted)", err, total)
			}
			if n == 0 {
				_, err := fmt.Fprintf(w, "deleted %d events from before %s\n", total, before.UTC().Format(time.RFC3339))
				return err
			}
			select {
			case <-time.After(pruneRest):
			case <-ctx.Done():
				return fmt.Errorf("%w (%d events were deleted)", ctx.Err(), total)
			}
		}
	})
}

// withTrail opens the database alone, for its audit trail: in embedded mode a
// running server holds the sessions, and SQLite allows a second process.
func withTrail(ctx context.Context, o Options, use func(*sqlstore.DB) error) (err error) {
	if o.Config.Embedded {
		if err := datadir.HasAccounts(o.Config.DataDir); err != nil {
			return err
		}
	}
	db, err := openDatabase(ctx, o.Config, newApp(o))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.CheckSchema(ctx); err != nil {
		return err
	}
	return use(db)
}
