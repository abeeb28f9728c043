package auth

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// WithClient makes a context that has a Client, as a request's has.
func WithClient(ctx context.Context, c session.Client) context.Context {
	return context.WithValue(ctx, session.ClientKey{}, c)
}

// SettleRest is what every instance does again and again.
func (s *Service) FlushOutbox(ctx context.Context) { s.flushOutbox(ctx) }

// RetentionRounds gives what an instance does every ten minutes.
func RetentionRounds(s *Service) func(context.Context) {
	return (&retention{s: s, holder: newID()}).round
}

// NoticeQueue delivers, in less time, whatever is added.
type NoticeQueue struct{ q *notices }

// NewNoticeQueue makes one whose next attempts come after so many steps.
func NewNoticeQueue(m Mailer, log *slog.Logger, observe func(string), attempt, drain time.Duration, backoff ...int) NoticeQueue {
	q := newNotices(m, log, time.Now, observe)
	q.pace = noticePace{step: time.Millisecond, backoff: backoff, attempt: attempt, drain: drain}
	q.due = func(context.Context, Notice) (string, error) { return "", nil }
	return NoticeQueue{q}
}

// Add never waits.
func (q NoticeQueue) Add(n Notice) { q.q.enqueue(n) }

// Run is part of Service.Run.
func (q NoticeQueue) Run(ctx context.Context) error { return q.q.deliverLoop(ctx) }

// MaxNotices is how many fit into the queue.
const MaxNotices = maxNotices

// MaxTrail is how many events fit into the queue of the audit trail.
const MaxAuditQueue = maxAuditQueue

// Record queues an event, as whatever brings one about does.
func (s *Service) Record(e Event) { s.auditWriter.enqueue(e) }
