package redisstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Following gives nil while a follower reads the stream, and else why not: for
// readiness, because an instance that does not receive revocations serves
// access tokens of ended sessions until they expire. It speaks of the follower
// that was started last.
func (s *Store) Following() error { return *s.following.Load() }

func (s *Store) isFollowing(err error) { s.following.Store(&err) }

// Subscribe is session.Revocations.Subscribe. It reads with a connection of its own, so
// that its waiting never keeps one from a request.
func (s *Store) Subscribe(ctx context.Context, keep time.Duration, to session.Subscriber) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f := &follower{store: s, keep: keep, to: to}
	f.to.CaughtUp = sync.OnceFunc(to.CaughtUp)
	f.startOver()
	rdb := s.source.Open(redisconn.FollowerPool, func() { f.connections.Add(1) })
	f.rdb = rdb
	defer func() { _ = rdb.Close() }()
	// go-redis does not end a read when its context ends, only with its
	// connection.
	defer context.AfterFunc(ctx, func() { _ = rdb.Close() })()
	defer s.isFollowing(errNotFollowing)

	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		err := s.source.Explain(f.read(ctx))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, done := s.observe(ctx, "follow revocations")
		done(err)
		if !f.failing {
			f.failing, pause = true, shortestPause
			s.log.Warn("the revocations cannot be followed", "error", err)
		}
		s.isFollowing(fmt.Errorf("%w: %w: %v", errNotFollowing, session.ErrSessionStore, err))
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
	to    session.Subscriber

	at      position // of the last entry read, or where reading begins
	high    position // the greatest of all entries read
	newest  position // of the stream, when it was last looked at
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

// read delivers entries as they come, until one call fails.
func (f *follower) read(ctx context.Context) error {
	// What there is already is read without waiting for more: until it is, the
	// instance is not ready.
	all, connections := false, f.connections.Load()
	f.newest = position{}
	for {
		newest := f.newest
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
		if err := f.deliver(ctx, messages); err != nil {
			return err
		}
		if len(messages) == page {
			continue
		}
		if f.at.less(newest) {
			f.missing(newest)
		}
		// A replica, which may lack entries, is found out here.
		if len(messages) == 0 || !all {
			if err := f.checkStream(ctx); err != nil {
				return err
			}
			if newest == (position{}) { // once more, to the end that is known now
				continue
			}
		}
		all = true
		if f.failing {
			f.failing = false
			f.store.log.Info("the revocations are followed again")
		}
		f.store.isFollowing(nil)
		f.to.CaughtUp()
	}
}

func (f *follower) deliver(ctx context.Context, messages []redis.XMessage) error {
	for _, m := range messages {
		at, ok := parsePosition(m.ID)
		if !ok {
			return fmt.Errorf("the stream has an entry with the id %q", m.ID)
		}
		if notice, ok := lostBefore(m.Values); ok {
			f.notifyLost(notice)
		} else if err := f.checkChain(ctx, at, m.Values); err != nil {
			return err
		} else if r, ok := revocation(m.Values); ok {
			f.to.Revoked(r)
		} else {
			f.store.log.Error("an entry of the revocations cannot be read", "id", m.ID)
		}
		f.at = at
		if f.high.less(at) {
			f.high = at
		}
		f.store.seenNewest(at)
	}
	return nil
}

// checkChain looks for entries that are missing before one. An older version
// does not name the one before.
func (f *follower) checkChain(ctx context.Context, at position, values map[string]any) error {
	text, _ := values["p"].(string)
	previous, ok := parsePosition(text)
	if !ok {
		return nil
	}
	written := writtenAt(at, values)
	if f.at.less(previous) {
		f.notifyLost(endOfSecond(written))
	}
	if previous.less(f.high) && f.high.less(at) {
		// What was read is not there any more, and something else took its place.
		within, cancel := context.WithTimeout(ctx, budget)
		defer cancel()
		_, err := f.lost(within, written)
		return err
	}
	return nil
}

// missing is for a stream whose last entries are not there, up to an id that it
// has reached.
func (f *follower) missing(upTo position) {
	f.notifyLost(endOfSecond(writtenAt(upTo, nil)))
	f.at = upTo
}

// lost says to every follower that revocations from before a moment may be
// missing: the stream has gone back. What is known of its ids goes back, too.
// Each follower that has read more than there is says so; the others read it.
func (f *follower) lost(ctx context.Context, before time.Time) (position, error) {
	before = endOfSecond(earliest(before, f.store.now()))
	f.notifyLost(before)
	newest, err := f.store.streamScript(ctx, f.rdb, lostScript, append(f.store.streamArgs(), millis(before))...)
	if err == nil {
		f.high = position{}
		f.store.forgetNewest(newest)
	}
	return newest, err
}

// notifyLost reports a moment that matters: access tokens from before keep have
// expired. A clock ahead must not have those refused that are issued now.
func (f *follower) notifyLost(before time.Time) {
	now := f.store.now()
	before = earliest(before, endOfSecond(now))
	if before.After(now.Add(-f.keep - skew)) {
		f.to.Lost(before)
	}
}

// endOfSecond is the first moment after the second that t is in: an access
// token's date is its second, and one of the same second may be older than t.
func endOfSecond(t time.Time) time.Time { return t.Truncate(time.Second).Add(time.Second) }

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// writtenAt is when an entry was written, by the clock of its instance.
func writtenAt(at position, values map[string]any) time.Time {
	text, _ := values["w"].(string)
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return fromMillis(ms)
	}
	return fromMillis(int64(min(at.ms, math.MaxInt64)))
}

// lostBefore reads a notice. The one that begins a stream has the time of the
// first question to an empty Redis; tokens issued in that very second are from
// after it.
func lostBefore(values map[string]any) (time.Time, bool) {
	text, _ := values["l"].(string)
	ms, err := strconv.ParseInt(text, 10, 64)
	return fromMillis(ms).Truncate(time.Second), err == nil
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
	within, cancel := context.WithTimeout(ctx, block+redisconn.IOTimeout)
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

// checkStream starts over when the stream ends before what was read or written
// of it: it has been flushed, or restored from a copy, and would be read again
// only when its ids have passed ours.
func (f *follower) checkStream(ctx context.Context) error {
	known := f.store.knownNewest()
	within, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	newest, err := f.store.newest(within, f.rdb)
	if err != nil {
		return err
	}
	if newest.less(known) {
		if newest, err = f.lost(within, f.store.now()); err != nil {
			return err
		}
		f.startOver()
	}
	f.newest = newest
	return nil
}

// newest gives the last id of the stream, begins it where there is none, and
// trims it.
func (s *Store) newest(ctx context.Context, rdb redis.UniversalClient) (position, error) {
	return s.streamScript(ctx, rdb, newestScript, s.streamArgs()...)
}
