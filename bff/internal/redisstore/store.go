// Package redisstore keeps sessions in Redis: one server, a Sentinel set or a
// Cluster, version 6.2 or later. Sessions live as long as Redis keeps them, so
// it needs an append-only file and `maxmemory-policy noeviction`.
package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redischecks"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// Config says how a Store is opened.
type Config struct {
	// URL is REDIS_URL: redis:// or rediss://; with ?addr= a Cluster (a lone
	// node names itself again); with ?master_name= a Sentinel, where the user
	// and password in front of the host are the Sentinel's, and ?username=
	// &password= those of Redis.
	URL string
	// TLS has the files for a rediss:// URL; nil: the system's authorities.
	TLS *tlsfiles.Source
	// Keep is for how long a revocation stays readable for followers to come:
	// at least the life of an access token. Zero means an hour.
	Keep time.Duration
	// Now is the clock that sessions end by. Required.
	Now func() time.Time
	// Reread gives the URL as it is written by now, for a login that is refused.
	// Nil: it is as it was.
	Reread func() (string, error)
	// Log gets outages. Nil means slog.Default.
	Log *slog.Logger
	// Observe is called before each call, and the function that it returns after it,
	// with the error of a Redis that did not answer. Nil: no metrics.
	Observe func(ctx context.Context, operation string) (context.Context, func(error))
}

const defaultKeep = time.Hour

// budget bounds everything that one question does, retry included: a request waits
// for the store, so a dead Redis has to be noticed soon.
const budget = 2 * time.Second

// Store is session.Store and session.Revocations. It is safe for concurrent use
// and survives outages: each question reconnects as needed.
type Store struct {
	source *redisconn.Source
	rdb    redis.UniversalClient
	keep   time.Duration
	now    func() time.Time
	log    *slog.Logger
	// See Config.Observe; never nil.
	observe func(ctx context.Context, operation string) (context.Context, func(error))

	following atomic.Pointer[error] // see Following

	newestMu    sync.Mutex
	newestKnown position // see streamScript
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.Revocations = (*Store)(nil)
)

// Open reads c and connects to nothing yet, so that a server can start, and
// say so in its readiness, while Redis is away. Ping reports whether it is there.
// An error is about c and never holds the password.
func Open(_ context.Context, c Config) (*Store, error) {
	if c.Now == nil {
		return nil, errors.New("redisstore: Config.Now is missing")
	}
	log := cmp.Or(c.Log, slog.Default())
	source, err := redisconn.Read(redisconn.Config{URL: c.URL, TLS: c.TLS, Reread: c.Reread, Log: log})
	if err != nil {
		return nil, err
	}
	redis.SetLogger(libraryLog{log})
	s := &Store{source: source, rdb: source.Open(0, nil), keep: cmp.Or(c.Keep, defaultKeep), now: c.Now, log: log, observe: c.Observe}
	if s.observe == nil {
		s.observe = func(ctx context.Context, _ string) (context.Context, func(error)) { return ctx, func(error) {} }
	}
	s.isFollowing(errNotFollowing)
	return s, nil
}

// libraryLog takes what go-redis says of its connections, by default a line on
// standard error for each attempt of an outage. The same reaches us as errors.
// There is one such log in a process, that of the store opened last.
type libraryLog struct{ log *slog.Logger }

// Printf is what go-redis calls.
func (l libraryLog) Printf(ctx context.Context, format string, v ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "go-redis: "+fmt.Sprintf(format, v...))
	}
}

// Close ends every connection but those of followers, which end with their
// contexts.
//
// What a connection says at its end is not passed on: over TLS, one that Redis
// has just reset fails to send its farewell, which was the exit code of a
// process that had drained well.
func (s *Store) Close() error {
	_ = s.rdb.Close()
	return nil
}

// NewLogin reads a REDIS_URL that differs in the user and the password from the
// one that the store was opened with, and gives what puts them in force for the
// connections to come. Its errors do not repeat the value.
func (s *Store) NewLogin(raw string) (put func(), err error) { return s.source.NewLogin(raw) }

// Checks are the doctor's, of the Redis that the store uses.
func (s *Store) Checks() []doctor.Check { return redischecks.Of(s.source, s.rdb, s.now) }

// Ping checks that Redis is there and takes writes, which a replica
// and a broken cluster cannot, whatever they answer to PING: within two seconds,
// and with an error that wraps session.ErrSessionStore when it is not.
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, "ping", func(ctx context.Context) error {
		_, err := s.newest(ctx, s.rdb)
		return err
	})
}

// call runs commands within the budget. Any error of commands counts as an outage;
// a missing session is reported in another way.
func (s *Store) call(ctx context.Context, operation string, commands func(context.Context) error) error {
	err := ctx.Err()
	if err == nil {
		observed, done := s.observe(ctx, operation)
		within, cancel := context.WithTimeout(observed, budget)
		defer cancel()
		err = commands(within)
		done(unlessGone(ctx, err))
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("redis: %s: %w: %w", operation, session.ErrSessionStore, ctx.Err())
	}
	// Not %w: the budget is not a deadline of the caller.
	return fmt.Errorf("redis: %s: %w: %v", operation, session.ErrSessionStore, s.source.Explain(err))
}

// unlessGone is err, or nil when it is the caller who has gone.
func unlessGone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Key names. The braces are part of them: they hold what Redis Cluster hashes,
// so that all of a user's keys are on one node and one script can touch them.
func recordKey(userID, id string) string { return "refresh:{" + escaped(userID) + "}:" + escaped(id) }

func indexKey(userID string) string { return "sessions:{" + escaped(userID) + "}" }

// displacedKey names the sessions that made space for others and have yet to be
// announced, by when they were removed.
func displacedKey(userID string) string { return indexKey(userID) + ":displaced" }

// revocationsKey is the stream of ended sessions, of all users together.
const revocationsKey = "revocations"

// escaped leaves ids as they are as long as they are letters, digits, - and _
// (all that are made today) and percent-encodes everything else. With a brace
// in it, user "a}:b" could name keys of user "a", and an empty id would hash
// the whole key.
func escaped(id string) string {
	const hex = "0123456789ABCDEF"
	if id == "" {
		return "%"
	}
	for i := range len(id) {
		if !plain(id[i]) {
			b := []byte(id[:i])
			for ; i < len(id); i++ {
				if c := id[i]; plain(c) {
					b = append(b, c)
				} else {
					b = append(b, '%', hex[c>>4], hex[c&15])
				}
			}
			return string(b)
		}
	}
	return id
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
