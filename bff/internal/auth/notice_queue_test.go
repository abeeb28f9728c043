package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// postbox is an auth.Mailer that a test can break.
type postbox struct {
	mu       sync.Mutex
	got      []auth.Notice
	attempts []auth.Notice
	refuse   func(attempt int) error // nil: takes everything
	hang     bool                    // until the context ends
}

func (p *postbox) Deliver(ctx context.Context, n auth.Notice) error {
	p.mu.Lock()
	p.attempts = append(p.attempts, n)
	count, hang, refuse := len(p.attempts), p.hang, p.refuse
	p.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if refuse != nil {
		if err := refuse(count); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, n)
	return nil
}

func (p *postbox) delivered() []auth.Notice {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]auth.Notice(nil), p.got...)
}

func (p *postbox) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.attempts)
}

// tally counts words.
type tally struct {
	mu sync.Mutex
	of map[string]int
}

func (c *tally) add(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.of[word]++
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.of)
}

// queue is one that runs until stop, which waits for it.
type queue struct {
	auth.NoticeQueue
	log     *bytes.Buffer // to be read after stop
	outcome tally
	start   func()
	stop    func()
}

func newQueue(t *testing.T, m auth.Mailer, attempt, drain time.Duration, backoff ...int) *queue {
	t.Helper()
	q := &queue{log: &bytes.Buffer{}}
	q.NoticeQueue = auth.NewNoticeQueue(m, slog.New(slog.NewTextHandler(q.log, nil)), q.outcome.add, attempt, drain, backoff...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	q.start = func() { go func() { done <- q.Run(ctx) }() }
	q.stop = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Error("the queue does not end")
		}
	}
	return q
}

func notice(id string) auth.Notice {
	return auth.Notice{ID: id, Kind: auth.NoticeNewBrowser, UserID: "u1", To: adaEmail}
}

var errAway = errors.New("the mail server is away")

func TestNoticesAreTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refuse  func(attempt int) error
		backoff []int
		want    string
		tried   int
	}{
		"at once":        {nil, []int{1, 1}, "map[sent:1]", 1},
		"the third time": {func(n int) error { return map[bool]error{true: errAway}[n < 3] }, []int{1, 3}, "map[retried:2 sent:1]", 3},
		"given up":       {func(int) error { return errAway }, []int{2, 1}, "map[failed:1 retried:2]", 3},
		"refused for good": {func(int) error { return fmt.Errorf("550: %w", auth.ErrUndeliverable) }, []int{1, 1},
			"map[failed:1]", 1},
	} {
		box := &postbox{refuse: c.refuse}
		q := newQueue(t, box, time.Second, time.Second, c.backoff...)
		q.start()
		q.Add(notice("n1"))
		eventually(t, name, func() bool { return q.outcome.String() == c.want })
		q.stop()
		if box.tried() != c.tried || q.outcome.String() != c.want {
			t.Errorf("%s: %d attempts, %s", name, box.tried(), &q.outcome)
		}
		for _, n := range box.attempts {
			if n.ID != "n1" {
				t.Errorf("%s: another id: %s", name, n.ID)
			}
		}
		lost := strings.Contains(q.log.String(), "notice not sent\"") && strings.Contains(q.log.String(), "user=u1")
		if lost != strings.Contains(c.want, "failed") || strings.Contains(q.log.String(), adaEmail) {
			t.Errorf("%s: the log says:\n%s", name, q.log)
		}
	}
}

// One that the server puts off must not hold up the others.
func TestANoticeThatWaitsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	box := &postbox{refuse: func(n int) error { return map[bool]error{true: errAway}[n == 1] }}
	q := newQueue(t, box, time.Second, time.Second, 1<<30)
	q.start()
	q.Add(notice("put off"))
	q.Add(notice("next"))
	eventually(t, "the next one", func() bool { return len(box.delivered()) == 1 })
	q.stop()
	if got := box.delivered(); len(got) != 2 || got[0].ID != "next" || got[1].ID != "put off" {
		t.Errorf("delivered: %v", got)
	}
}

func TestFullQueueDropsNotices(t *testing.T) {
	t.Parallel()
	q := newQueue(t, &postbox{}, time.Second, time.Second)
	for range auth.MaxNotices + 2 { // nobody takes them out
		q.Add(notice("n"))
	}
	if got := q.outcome.String(); got != "map[dropped:2]" {
		t.Errorf("outcomes %s", got)
	}
	q.start()
	q.stop()
	if got := q.outcome.String(); got != fmt.Sprintf("map[dropped:2 sent:%d]", auth.MaxNotices) {
		t.Errorf("outcomes %s: the end of the process does not drain the queue", got)
	}
}

// What hangs has been tried once more at the end, for as long as there is, and
// what is lost is said.
func TestHangingMailServerDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	box := &postbox{hang: true}
	q := newQueue(t, box, time.Hour, 50*time.Millisecond, 1, 1, 1, 1)
	q.start()
	for range 3 {
		q.Add(notice("n"))
	}
	eventually(t, "the first attempt", func() bool { return box.tried() > 0 })
	q.stop()
	if got := q.outcome.String(); got != "map[failed:3 retried:1]" || strings.Count(q.log.String(), "notice not sent\"") != 3 {
		t.Errorf("outcomes %s, log:\n%s", got, q.log)
	}
	if len(box.delivered()) != 0 {
		t.Error("delivered by a server that hangs")
	}
}

// One account's notices filled the queue, and another's was not sent.
func TestOneAccountsNoticesPushNoOtherOut(t *testing.T) {
	t.Parallel()
	box := &postbox{}
	q := newQueue(t, box, time.Second, time.Second)
	for n := range auth.MaxNotices + 5 {
		q.Add(auth.Notice{ID: fmt.Sprint("flood ", n), Kind: auth.NoticeNewBrowser, UserID: "flood", To: "flood@example.com"})
	}
	q.Add(auth.Notice{ID: "ada's", Kind: auth.NoticePasswordChanged, UserID: "ada", To: adaEmail})
	q.start()
	q.stop()
	sent := box.delivered()
	if len(sent) != auth.MaxNotices || sent[len(sent)-1].ID != "ada's" {
		t.Errorf("%d sent, the last %+v", len(sent), sent[len(sent)-1])
	}
}

// The same of those that wait for another attempt while the mail server is away.
func TestOneAccountsFailedNoticesPushNoOtherOut(t *testing.T) {
	t.Parallel()
	box := &postbox{refuse: func(int) error { return errors.New("away") }}
	q := newQueue(t, box, time.Second, 10*time.Second, 1_000_000, 1_000_000)
	q.start()
	for n := range auth.MaxNotices + 5 {
		eventually(t, "space in the queue", func() bool { return n-box.tried() < auth.MaxNotices/2 })
		q.Add(auth.Notice{ID: fmt.Sprint("flood ", n), Kind: auth.NoticeNewBrowser, UserID: "flood", To: "flood@example.com"})
	}
	q.Add(auth.Notice{ID: "ada's", Kind: auth.NoticePasswordChanged, UserID: "ada", To: adaEmail})
	eventually(t, "an attempt for each", func() bool { return box.tried() == auth.MaxNotices+6 })
	box.mu.Lock()
	box.refuse = nil
	box.mu.Unlock()
	q.stop()
	sent := box.delivered()
	if len(sent) != auth.MaxNotices || sent[len(sent)-1].ID != "ada's" {
		t.Errorf("%d sent, the last %+v; want all that fit, and ada's", len(sent), sent[len(sent)-1])
	}
}
