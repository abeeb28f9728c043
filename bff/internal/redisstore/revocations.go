package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const (
	// skew is how far the clocks of two instances may be apart: what is read
	// again and kept longer, so that nothing falls between them.
	skew = time.Minute
	// block is how long a follower waits for news before it looks whether the
	// stream is still the one that it was reading.
	block = 2 * time.Second
	// page is the most entries that are read at once.
	page = 1000

	shortestPause = 50 * time.Millisecond
	longestPause  = time.Second
)

var errNotFollowing = errors.New("the revocations are not being followed")

// Publish is session.Revocations.Publish.
func (s *Store) Publish(ctx context.Context, news ...session.Revocation) error {
	if len(news) == 0 {
		return nil
	}
	return s.announce(ctx, news)
}

func (s *Store) announce(ctx context.Context, ends []session.Revocation) error {
	args := s.streamArgs()
	for _, r := range ends {
		args = append(args, r.UserID, r.SessionID, string(r.Reason), millis(r.At), r.Since.Generation, millis(r.Since.IssuedAt))
	}
	return s.call(ctx, "announce revocations", func(ctx context.Context) error {
		at, err := s.streamScript(ctx, s.rdb, announceScript, args...)
		if err == nil {
			s.seenNewest(at)
		}
		return err
	})
}

// streamArgs are the first arguments of every script on the stream.
func (s *Store) streamArgs() []any {
	now := s.now()
	return []any{millis(now), s.oldestKept(now), millis(now.Add(2 * skew))}
}

// streamScript runs a script that gives the stream's last id.
func (s *Store) streamScript(ctx context.Context, rdb redis.UniversalClient, script *redis.Script, args ...any) (position, error) {
	text, err := script.Run(ctx, rdb, []string{revocationsKey}, args...).Text()
	if err != nil {
		return position{}, err
	}
	at, ok := parsePosition(text)
	if !ok {
		return position{}, fmt.Errorf("the stream says that its last id is %q", text)
	}
	return at, nil
}

// seenNewest remembers the newest id that this instance has read or written.
func (s *Store) seenNewest(at position) {
	s.newestMu.Lock()
	defer s.newestMu.Unlock()
	if s.newestKnown.less(at) {
		s.newestKnown = at
	}
}

// forgetNewest is for a stream that has gone back.
func (s *Store) forgetNewest(at position) {
	s.newestMu.Lock()
	defer s.newestMu.Unlock()
	s.newestKnown = at
}

// knownNewest is what seenNewest remembers: a stream that ends before it has
// lost what this instance read or wrote.
func (s *Store) knownNewest() position {
	s.newestMu.Lock()
	defer s.newestMu.Unlock()
	return s.newestKnown
}

// oldestKept gives followers that ask for s.keep what they ask for, whosever
// clock the entries were written by.
func (s *Store) oldestKept(now time.Time) string {
	return position{ms: before(now, s.keep+2*skew)}.String()
}

func revocation(values map[string]any) (session.Revocation, bool) {
	text := func(name string) string { s, _ := values[name].(string); return s }
	_, hasUser := values["u"]
	_, hasSession := values["s"]
	at, err := strconv.ParseInt(text("t"), 10, 64)
	r := session.Revocation{UserID: text("u"), SessionID: text("s"), Reason: session.Reason(text("r")), At: fromMillis(at)}
	// The end of a session has no pair, and an older instance writes none.
	generation, genErr := strconv.ParseUint(text("g"), 10, 32)
	issued, dateErr := strconv.ParseInt(text("i"), 10, 64)
	if genErr == nil && dateErr == nil {
		r.Since = session.TokenPair{Generation: uint32(generation), IssuedAt: fromMillis(issued)}
	}
	return r, hasUser && hasSession && err == nil
}

// position is a stream id: milliseconds and a number within them.
type position struct{ ms, seq uint64 }

func parsePosition(s string) (position, bool) {
	ms, seq, _ := strings.Cut(s, "-")
	var p position
	var err1, err2 error
	p.ms, err1 = strconv.ParseUint(ms, 10, 64)
	p.seq, err2 = strconv.ParseUint(seq, 10, 64)
	return p, err1 == nil && err2 == nil
}

func (p position) String() string { return fmt.Sprintf("%d-%d", p.ms, p.seq) }

func (p position) less(o position) bool { return p.ms < o.ms || p.ms == o.ms && p.seq < o.seq }

// before is the millisecond d before now.
func before(now time.Time, d time.Duration) uint64 {
	return uint64(max(0, now.Add(-d).UnixMilli()))
}
