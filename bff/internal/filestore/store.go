// Package filestore keeps sessions in memory and, when given a folder, in a
// journal there, so that a restart signs nobody out. It is the session store
// of embedded mode and the one that other packages test with. One process owns
// a folder at a time.
package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Config says how a Store is opened.
type Config struct {
	// Dir is where sessions are saved, made with mode 0700 when missing.
	// Empty: memory only, and they go with the process.
	Dir string
	// Keep is for how long revocations are kept for followers to come: at
	// least the life of an access token, which a restart does not end. Zero
	// means an hour.
	Keep time.Duration
	// Now is the clock that sessions end by. Required.
	Now func() time.Time
	// Log gets what is odd about a journal. Nil means slog.Default.
	Log *slog.Logger
}

const defaultKeep = time.Hour

// Store is session.Store and session.Revocations. It is safe for concurrent use.
type Store struct {
	now  func() time.Time
	log  *slog.Logger
	keep time.Duration

	// round is held while the store is tidied: one round at a time. It is taken before mu.
	round  sync.Mutex
	rounds sync.WaitGroup // those that calls began
	// onStep is called between the steps of a compaction. Tests set it.
	onStep func(step string)

	mu       sync.Mutex
	users    map[string]map[string]session.Record // user, session id
	live     int                                  // sessions in users
	unswept  int                                  // entries since expire
	tidying  bool                                 // a call has begun a round
	ended    []ending                             // oldest first
	newest   uint64                               // number of the newest ending
	wake     chan struct{}                        // closed and replaced at every ending
	readers  map[*uint64]struct{}                 // how far each follower is
	journal  *journal                             // nil: memory only
	isClosed bool
	// lostBefore: the journal was missing or lost its end, and with it revocations.
	lostBefore time.Time
}

// ending is a revocation with its place among all of them.
type ending struct {
	number    uint64
	at        time.Time // by this store's clock, whatever the revocation says
	what      session.Revocation
	announced bool // and not ended: the session is still there
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.Revocations = (*Store)(nil)
)

var errClosed = errors.New("filestore: closed")

// Open opens the store and reads what an earlier process left in Dir. It fails
// when another process has Dir open and when the journal cannot be read.
func Open(c Config) (*Store, error) {
	if c.Now == nil {
		return nil, errors.New("filestore: Config.Now is missing")
	}
	s := &Store{
		now:     c.Now,
		log:     cmp.Or(c.Log, slog.Default()),
		keep:    cmp.Or(c.Keep, defaultKeep),
		users:   map[string]map[string]session.Record{},
		wake:    make(chan struct{}),
		readers: map[*uint64]struct{}{},
	}
	opened := s.now().Truncate(time.Second)
	if c.Dir == "" {
		s.lostBefore = opened
		return s, nil
	}
	j, err := openJournal(c.Dir, s.log)
	if err != nil {
		return nil, err
	}
	whole, err := j.replay(s.apply)
	if err != nil {
		return nil, errors.Join(err, j.close())
	}
	if !whole {
		s.lostBefore = opened
	}
	s.journal = j
	s.expire(s.now())
	s.endSurplus(s.now())
	if err := s.compact(); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return s, nil
}

// Close makes everything durable and lets go of the folder. Every later call
// is refused. Closing twice is fine.
func (s *Store) Close() error {
	s.mu.Lock()
	wasClosed := s.isClosed
	s.isClosed = true
	s.mu.Unlock()
	if wasClosed {
		return nil
	}
	s.rounds.Wait() // none begins any more
	if s.journal == nil {
		return nil
	}
	s.round.Lock()
	defer s.round.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.close()
}

// usable says why a call cannot be answered. The lock is held.
func (s *Store) usable(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", session.ErrSessionStore, ctx.Err())
	case s.isClosed:
		return fmt.Errorf("%w: %w", session.ErrSessionStore, errClosed)
	}
	return nil
}

// write keeps the entries: in the journal first, so that a crash never
// undoes a change that was confirmed to a caller. The lock is held.
func (s *Store) write(entries ...entry) error {
	if s.journal != nil {
		if err := s.journal.append(entries); err != nil {
			return fmt.Errorf("%w: %w", session.ErrSessionStore, err)
		}
	}
	for _, e := range entries {
		s.apply(e)
	}
	s.unswept += len(entries)
	s.beginRound()
	return nil
}

// apply does to memory what e says. The lock is held.
func (s *Store) apply(e entry) {
	if e.Put != nil {
		s.put(e.Put.session())
	}
	if e.End != nil {
		r, _ := e.End.revocation()
		s.drop(r.UserID, r.SessionID)
		s.addRevocation(e.End, true)
	}
	if e.Announce != nil {
		s.addRevocation(e.Announce, false)
	}
}

func (s *Store) addRevocation(l *endLine, ended bool) {
	r, at := l.revocation()
	s.newest++
	s.ended = append(s.ended, ending{number: s.newest, at: at, what: r, announced: !ended})
}

func (s *Store) put(x session.Record) {
	of := s.users[x.UserID]
	if of == nil {
		of = map[string]session.Record{}
		s.users[x.UserID] = of
	}
	if _, known := of[x.ID]; !known {
		s.live++
	}
	of[x.ID] = x
}

func (s *Store) drop(userID, id string) {
	of := s.users[userID]
	if _, known := of[id]; !known {
		return
	}
	s.live--
	if delete(of, id); len(of) == 0 {
		delete(s.users, userID)
	}
}

// find gives a live session and forgets one that has ended. The lock is held.
func (s *Store) find(userID, id string) (session.Record, bool) {
	x, known := s.users[userID][id]
	if known && !s.now().Before(x.IdleEnd) {
		s.drop(userID, id)
		known = false
	}
	return x, known
}
