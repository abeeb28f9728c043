package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
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
	// mostEntries (some 100 bytes each) bounds a stream that cannot be trimmed
	// by age, because a clock far ahead has written there.
	mostEntries = 500_000

	shortestPause = 50 * time.Millisecond
	longestPause  = time.Second
)

var errNotFollowing = errors.New("the revocations are not being followed")

// Announce is auth.Revocations.Announce.
func (s *Store) Announce(ctx context.Context, news ...auth.Revocation) error {
	if len(news) == 0 {
		return nil
	}
	return s.announce(ctx, news)
}

func (s *Store) announce(ctx context.Context, ends []auth.Revocation) error {
	now := s.now()
	args := make([]any, 0, 3+6*len(ends))
	args = append(args, millis(now), s.oldestKept(now), mostEntries)
	for _, r := range ends {
		args = append(args, r.UserID, r.SessionID, string(r.Reason), millis(r.At), r.Since.Generation, millis(r.Since.IssuedAt))
	}
	return s.ask(ctx, "announce revocations", func(ctx context.Context) error {
		return announceScript.Run(ctx, s.rdb, []string{revocationsKey}, args...).Err()
	})
}

// oldestKept gives followers that ask for s.keep what they ask for, whosever
// clock the entries were written by.
func (s *Store) oldestKept(now time.Time) string {
	return position{ms: before(now, s.keep+2*skew)}.String()
}

// Following gives nil while a follower reads the stream, and else why not: for
// readiness, because an instance that does not hear of revocations serves
// access tokens of ended sessions until they expire. It speaks of the follower
// that was started last.
func (s *Store) Following() error { return *s.following.Load() }

func (s *Store) isFollowing(err error) { s.following.Store(&err) }

// Follow is auth.Revocations.Follow. It reads with a connection of its own, so
// that its waiting never keeps one from a request.
func (s *Store) Follow(ctx context.Context, keep time.Duration, fn func(auth.Revocation), caughtUp func()) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f := &follower{store: s, keep: keep, tell: fn, caughtUp: sync.OnceFunc(caughtUp)}
	f.startOver()
	rdb := s.dial(followerPool, func() { f.connections.Add(1) })
	f.rdb = rdb
	defer func() { _ = rdb.Close() }()
	// go-redis does not end a read when its context ends, only with its
	// connection.
	defer context.AfterFunc(ctx, func() { _ = rdb.Close() })()
	defer s.isFollowing(errNotFollowing)

	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		err := f.read(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, done := s.observe(ctx, "follow revocations")
		done(err)
		if !f.failing {
			f.failing, pause = true, shortestPause
			s.log.Warn("the revocations cannot be followed", "error", err)
		}
		s.isFollowing(fmt.Errorf("%w: %w: %v", errNotFollowing, auth.ErrSessionStore, err))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		f.stepBack() // or the next wait would come first
	}
}

// follower is one reader of the stream.
type follower struct {
	store *Store
	rdb   redis.UniversalClient
	keep  time.Duration
	tell  func(auth.Revocation)
	// caughtUp tells, once, that everything has been told.
	caughtUp func()

	at      position // of the last entry read
	failing bool
	// steppedBack says that at takes a new connection into account.
	steppedBack bool
	connections atomic.Int64 // made so far
}

func (f *follower) startOver() {
	f.at, f.steppedBack = position{ms: before(f.store.now(), f.keep+skew)}, true
}

// stepBack reads the last minute again after a connection was lost. The other
// end may be a replica that took over without its master's last entries, and
// new ones may have been written, by a clock behind, under ids that were read
// past before.
func (f *follower) stepBack() {
	f.at, f.steppedBack = position{ms: f.at.ms - min(f.at.ms, uint64(skew.Milliseconds()))}, true
}

// read tells of entries as they come, until one question fails.
func (f *follower) read(ctx context.Context) error {
	// What there is already is read without waiting for more: until it is, the
	// instance is not ready.
	all, connections := false, f.connections.Load()
	for {
		messages, err := f.next(ctx, all)
		if err != nil {
			return err
		}
		// go-redis replaces a connection and asks again without a word, here or
		// in checkStream.
		before := connections
		connections = f.connections.Load()
		if connections != before && !f.steppedBack {
			f.stepBack()
			continue
		}
		f.steppedBack = false
		if err := f.tellAll(messages); err != nil {
			return err
		}
		if len(messages) == page {
			continue
		}
		// A replica, which may not have heard of everything, is found out here.
		if len(messages) == 0 || !all {
			if err := f.checkStream(ctx); err != nil {
				return err
			}
		}
		all = true
		if f.failing {
			f.failing = false
			f.store.log.Info("the revocations are followed again")
		}
		f.store.isFollowing(nil)
		f.caughtUp()
	}
}

func (f *follower) tellAll(messages []redis.XMessage) error {
	for _, m := range messages {
		at, ok := parsePosition(m.ID)
		if !ok {
			return fmt.Errorf("the stream has an entry with the id %q", m.ID)
		}
		if r, ok := revocation(m.Values); ok {
			f.tell(r)
		} else {
			f.store.log.Error("an entry of the revocations cannot be read", "id", m.ID)
		}
		f.at = at
	}
	return nil
}

// next gives the entries that there are; when there are none, and it is to
// wait, those that come in a while.
func (f *follower) next(ctx context.Context, wait bool) ([]redis.XMessage, error) {
	patience := time.Duration(-1) // not at all
	if wait {
		patience = block
	}
	// Without a bound, a Redis that is gone without a word is waited for as
	// long as the network likes.
	within, cancel := context.WithTimeout(ctx, block+ioTimeout)
	defer cancel()
	streams, err := f.rdb.XRead(within, &redis.XReadArgs{
		Streams: []string{revocationsKey}, ID: f.at.String(), Count: page, Block: patience,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, err
	case len(streams) != 1:
		return nil, fmt.Errorf("%d streams were read, want 1", len(streams))
	}
	return streams[0].Messages, nil
}

// checkStream starts over when the stream ends before what was read of it
// already: it has been flushed, or restored from a copy, and would be read
// again only when its ids have passed ours.
func (f *follower) checkStream(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	newest, err := f.store.newest(within, f.rdb)
	if err != nil {
		return err
	}
	if newest.less(f.at) {
		f.startOver()
	}
	return nil
}

// newest gives the last id of the stream, and trims it.
func (s *Store) newest(ctx context.Context, rdb redis.UniversalClient) (position, error) {
	text, err := newestScript.Run(ctx, rdb, []string{revocationsKey}, s.oldestKept(s.now())).Text()
	if err != nil {
		return position{}, err
	}
	at, ok := parsePosition(text)
	if !ok {
		return position{}, fmt.Errorf("the stream says that its last id is %q", text)
	}
	return at, nil
}

func revocation(values map[string]any) (auth.Revocation, bool) {
	text := func(name string) string { s, _ := values[name].(string); return s }
	_, hasUser := values["u"]
	_, hasSession := values["s"]
	at, err := strconv.ParseInt(text("t"), 10, 64)
	r := auth.Revocation{UserID: text("u"), SessionID: text("s"), Reason: auth.Reason(text("r")), At: fromMillis(at)}
	// The end of a session has no pair, and an older instance writes none.
	generation, genErr := strconv.ParseUint(text("g"), 10, 32)
	issued, dateErr := strconv.ParseInt(text("i"), 10, 64)
	if genErr == nil && dateErr == nil {
		r.Since = auth.Pair{Generation: uint32(generation), IssuedAt: fromMillis(issued)}
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
