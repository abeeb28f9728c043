package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/fairqueue"
	"github.com/gatehouse-bff/gatehouse/bff/internal/outagelog"
)

// notices sends notices off the request's path: a hanging mail server must not
// delay requests, and an outage of it must not lose notices.
type notices struct {
	mailer  Mailer // nil: no notices
	due     func(context.Context, Notice) (suppressed string, err error)
	observe func(outcome string)
	log     *slog.Logger
	outages *outagelog.Log
	queue   *fairqueue.Queue[Notice]
	waiting *fairqueue.Queue[pending] // for another attempt
	pace    noticePace
}

// noticePace holds the delays of delivery, which tests shorten.
type noticePace struct {
	step    time.Duration // between two rounds of retries
	backoff []int         // steps before the second attempt, the third, …; after the last it is given up
	attempt time.Duration // of one delivery
	drain   time.Duration // for everything, once the process ends
}

// Mail servers defer unknown senders for some minutes (greylisting), and a
// restart takes some more.
var defaultNoticePace = noticePace{
	step: 5 * time.Second, backoff: []int{1, 6, 72, 360}, attempt: 10 * time.Second, drain: 4 * time.Second,
}

// maxNotices bounds the queue, and the notices that wait for another attempt.
const maxNotices = 1024

// Outcomes of a notice.
const (
	noticeSent       = "sent"
	noticeRetried    = "retried"    // an attempt failed, another one follows
	noticeFailed     = "failed"     // given up
	noticeDropped    = "dropped"    // there was no space
	noticeSuppressed = "suppressed" // over the limit of its kind
)

// NoticeOutcomes returns the labels that Observer.Noticed is called with.
func NoticeOutcomes() []string {
	return []string{noticeSent, noticeRetried, noticeFailed, noticeDropped, noticeSuppressed}
}

// pending is a notice that is being delivered.
type pending struct {
	Notice
	admitted bool // due was called; each call takes from the limits
	attempts int
	steps    int // until the next one
}

func newNotices(mailer Mailer, log *slog.Logger, now func() time.Time, observe func(string)) *notices {
	return &notices{
		mailer: mailer, log: log, observe: observe, pace: defaultNoticePace,
		outages: outagelog.New(log, now, "notices are not sent yet; each is tried five times", "notices are sent again"),
		queue:   fairqueue.New(maxNotices, recipientOf),
		waiting: fairqueue.New(maxNotices, func(p pending) string { return recipientOf(p.Notice) }),
	}
}

func (q *notices) enqueue(n Notice) {
	if q.mailer == nil {
		return
	}
	if dropped, full := q.queue.Push(n); full {
		q.logLost(dropped, noticeDropped, "the queue is full")
	}
}

// recipientOf returns the account whose share of the queue a notice takes.
func recipientOf(n Notice) string { return n.UserID }

func (q *notices) logLost(n Notice, outcome string, why any) {
	q.observe(outcome)
	q.log.Error("notice not sent", "kind", n.Kind, "user", n.UserID, "at", n.At, "error", why)
}

// deliverLoop delivers until ctx ends, and then for a moment the remaining ones.
func (q *notices) deliverLoop(ctx context.Context) error {
	// A delivery under way when ctx ends is not cancelled at once: the notice
	// would be sent twice.
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(q.pace.drain, stop) })()
	tick := time.NewTicker(q.pace.step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			q.finish(working)
			return ctx.Err()
		default:
		}
		select {
		case <-q.queue.Ready():
			for _, n := range q.queue.Pop(1) {
				q.deliver(working, pending{Notice: n})
			}
		case <-tick.C:
			q.retryDue(ctx, working)
		case <-ctx.Done():
		}
	}
}

// retryDue tries those that are due, until done ends.
func (q *notices) retryDue(done, working context.Context) {
	for _, p := range q.waiting.Pop(maxNotices) {
		if p.steps--; p.steps > 0 || done.Err() != nil {
			q.waiting.Push(p) // there is space: it was in the queue
			continue
		}
		q.deliver(working, p)
	}
}

// deliver makes one attempt, and queues a failed notice for another.
func (q *notices) deliver(ctx context.Context, p pending) {
	err := q.attempt(ctx, &p)
	if err == nil {
		q.outages.Worked()
		return
	}
	if errors.Is(err, ErrUndeliverable) || p.attempts >= len(q.pace.backoff) {
		q.logLost(p.Notice, noticeFailed, err)
		return
	}
	q.observe(noticeRetried)
	q.outages.Failed(err)
	q.log.Debug("notice not sent yet", "kind", p.Kind, "user", p.UserID, "attempt", p.attempts+1, "error", err)
	p.steps = q.pace.backoff[p.attempts]
	p.attempts++
	if dropped, full := q.waiting.Push(p); full {
		q.logLost(dropped.Notice, noticeDropped, "too many wait for another attempt")
	}
}

func (q *notices) attempt(ctx context.Context, p *pending) error {
	ctx, cancel := context.WithTimeout(ctx, q.pace.attempt)
	defer cancel()
	if !p.admitted {
		suppressed, err := q.due(ctx, p.Notice)
		if err != nil {
			return err
		}
		if suppressed == suppressedLimit {
			q.observe(noticeSuppressed)
		}
		if suppressed != "" {
			return nil
		}
		p.admitted = true
	}
	if err := q.mailer.Deliver(ctx, p.Notice); err != nil {
		return err
	}
	q.observe(noticeSent)
	return nil
}

// finish is the last attempt for everything, as long as ctx allows.
func (q *notices) finish(ctx context.Context) {
	waiting := q.waiting.Pop(maxNotices)
	for _, n := range q.queue.Pop(maxNotices) {
		waiting = append(waiting, pending{Notice: n})
	}
	for _, p := range waiting {
		err := ctx.Err()
		if err == nil {
			err = q.attempt(ctx, &p)
		}
		if err != nil {
			q.logLost(p.Notice, noticeFailed, err)
		}
	}
}
