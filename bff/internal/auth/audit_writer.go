package auth

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/fairqueue"
	"github.com/gatehouse-bff/gatehouse/bff/internal/outagelog"
)

// auditWriter stores audit events off the request's path, so that a refresh never
// waits for the user database. An event that cannot be stored is written to the
// log instead: lost from the table, never lost silently.
type auditWriter struct {
	audit   Audit
	log     *slog.Logger
	outages *outagelog.Log
	queue   *fairqueue.Queue[Event]
}

const (
	maxAuditQueue = 8192
	auditBatch    = 64
	auditTimeout  = 5 * time.Second
	auditRetry    = time.Second
)

func newAuditWriter(audit Audit, log *slog.Logger, now func() time.Time) *auditWriter {
	return &auditWriter{
		audit: audit, log: log, queue: fairqueue.New(maxAuditQueue, causeOf),
		outages: outagelog.New(log, now, "audit events are not stored yet", "audit events are stored again"),
	}
}

// causeOf returns the share of the queue that an event counts for: that of the
// account that acted. Wrong passwords for an account have a share of their own,
// and without an account the network has one.
func causeOf(e Event) string {
	switch {
	case e.ActorID != "":
		return e.ActorID
	case e.UserID != "":
		return "at " + e.UserID
	}
	return networkOf(e.IP)
}

func (t *auditWriter) enqueue(e Event) {
	if dropped, full := t.queue.Push(e); full {
		t.logLost(dropped, "the queue is full")
	}
}

func (t *auditWriter) logLost(e Event, why any) {
	t.log.Error("audit event not stored", "type", e.Type, "user", e.UserID, "actor", e.ActorID,
		"session", e.SessionID, "detail", e.Detail, "ip", e.IP, "request", e.RequestID, "at", e.At, "error", why)
}

// storeLoop stores events until ctx ends, then those still queued.
func (t *auditWriter) storeLoop(ctx context.Context) error {
	for {
		select {
		case <-t.queue.Ready():
			batch := t.queue.Pop(auditBatch)
			for len(batch) > 0 && !t.storeBatch(ctx, batch) {
				select {
				case <-time.After(auditRetry):
				case <-ctx.Done():
					t.finish(context.WithoutCancel(ctx), batch)
					return ctx.Err()
				}
			}
		case <-ctx.Done():
			t.finish(context.WithoutCancel(ctx), t.queue.Pop(auditBatch))
			return ctx.Err()
		}
	}
}

func (t *auditWriter) storeBatch(ctx context.Context, batch []Event) bool {
	ctx, cancel := context.WithTimeout(ctx, auditTimeout)
	defer cancel()
	err := t.audit.Append(ctx, batch...)
	if err != nil {
		t.outages.Failed(err)
		return false
	}
	t.outages.Worked()
	return true
}

// finish is the last try for everything; events that fail now go to the log.
func (t *auditWriter) finish(ctx context.Context, batch []Event) {
	for ; len(batch) > 0; batch = t.queue.Pop(auditBatch) {
		if t.storeBatch(ctx, batch) {
			continue
		}
		for {
			for _, e := range batch {
				t.logLost(e, "shutting down")
			}
			if batch = t.queue.Pop(auditBatch); len(batch) == 0 {
				return
			}
		}
	}
}
