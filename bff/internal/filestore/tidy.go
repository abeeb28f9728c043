package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// Run forgets expired sessions and tidies the journal once a minute, until ctx
// ends. It gives ctx's error. The store is right without it, and larger.
func (s *Store) Run(ctx context.Context) error {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-minute.C:
			s.tidy()
		}
	}
}

// beginRound has the store tidied beside the call that made it necessary: doing
// it within that call held up all of them, 1.4 s with 100,000 sessions. The
// lock is held.
func (s *Store) beginRound() {
	kept := s.live + len(s.ended)
	much := s.unswept > kept/2+slack || s.journal != nil && s.journal.wasteful(kept) && s.journal.lines >= s.journal.retryAt
	if s.tidying || !much {
		return
	}
	s.tidying = true
	s.rounds.Go(func() {
		s.tidy()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tidying = false
	})
}

// tidy is one round. It holds the lock for moments only.
func (s *Store) tidy() {
	s.round.Lock()
	defer s.round.Unlock()
	s.expire(s.now())
	if s.journal == nil {
		return
	}
	s.mu.Lock()
	wasteful := s.journal.wasteful(s.live + len(s.ended))
	s.mu.Unlock()
	if wasteful {
		// A failure does not concern any caller: their changes are in the old journal,
		// which stays.
		if err := s.compact(); err != nil && !errors.Is(err, errEnded) {
			s.log.Warn("the session journal could not be compacted, and goes on as it is", "error", err)
		}
	}
	s.sync()
}

// expire forgets what has had its time: sessions, and endings that every
// follower has received and none to come will need.
func (s *Store) expire(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unswept = 0
	seen := 0
	for userID, of := range s.users {
		for id, x := range of {
			if !now.Before(x.IdleEnd) {
				s.drop(userID, id)
			}
			// A map may be changed while it is ranged over.
			if seen++; seen%snapshotStep == 0 {
				s.mu.Unlock()
				s.mu.Lock()
			}
		}
	}
	behind := s.newest
	for reader := range s.readers {
		behind = min(behind, *reader)
	}
	old := 0
	for old < len(s.ended) && s.ended[old].number <= behind && s.ended[old].at.Before(now.Add(-s.keep)) {
		old++
	}
	s.ended = slices.Delete(s.ended, 0, old)
}

// compact replaces the journal by a shorter one, while calls go on. When it
// fails, the old one goes on.
func (s *Store) compact() (err error) {
	j := s.journal
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return errEnded
	}
	since, lines, newest := j.size, j.lines, s.newest
	s.mu.Unlock()

	next, err := j.beginSuccessor(since)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		j.retryAt = j.lines + slack
		return fmt.Errorf("filestore: %w", err)
	}
	s.mu.Lock()
	j.successor = next
	s.mu.Unlock()
	defer func() {
		if err = errors.Join(err, next.closeOld()); err != nil {
			err = fmt.Errorf("filestore: %w", errors.Join(err, next.discard(j)))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if j.successor, j.retryAt = nil, 0; err != nil {
			j.retryAt = j.lines + slack
		}
	}()

	s.step("begun")
	if err := next.add(entry{Journal: journalFormat}); err != nil {
		return err
	}
	// Endings first: an id that was ended and made again is there. Those that
	// come from now on are in the journal.
	if err := s.writeEndings(next, newest); err != nil {
		return err
	}
	s.step("endings written")
	if err := s.writeSessions(next); err != nil {
		return err
	}
	s.step("sessions written")
	if err := s.catchUp(next); err != nil {
		return err
	}
	s.step("caught up")
	if err := s.swap(next, lines); err != nil {
		return err
	}
	s.step("swapped")
	return textfile.SyncFolder(filepath.Dir(j.path))
}

func (s *Store) step(name string) {
	if s.onStep != nil {
		s.onStep(name)
	}
}

// interrupted says why a compaction is not to go on. The lock is held.
func (s *Store) interrupted(n *successor) error {
	switch {
	case s.isClosed:
		return errEnded
	case n.gaveWay:
		return errGaveWay
	}
	return nil
}

func (s *Store) writeEndings(n *successor, until uint64) error {
	part := make([]ending, snapshotStep)
	for last := uint64(0); ; {
		s.mu.Lock()
		if err := s.interrupted(n); err != nil {
			s.mu.Unlock()
			return err
		}
		i, _ := slices.BinarySearchFunc(s.ended, last+1, func(e ending, n uint64) int { return cmp.Compare(e.number, n) })
		got := copy(part, s.ended[i:])
		s.mu.Unlock()
		for _, e := range part[:got] {
			if e.number > until {
				return nil
			}
			line := entry{End: endingLine(e.what, e.at)}
			if e.announced {
				line = entry{Announce: line.End}
			}
			if err := n.add(line); err != nil {
				return err
			}
			last = e.number
		}
		if got < len(part) {
			return nil
		}
	}
}

func (s *Store) writeSessions(n *successor) error {
	part := make([]session.Record, 0, snapshotStep)
	write := func() error {
		for _, x := range part {
			if err := n.add(entry{Put: sessionLine(x)}); err != nil {
				return err
			}
		}
		part = part[:0]
		return nil
	}
	s.mu.Lock()
	for _, of := range s.users {
		for _, x := range of {
			if part = append(part, x); len(part) < snapshotStep {
				continue
			}
			// A map may be changed while it is ranged over: what is there all
			// the time comes once, and the rest is in the journal.
			s.mu.Unlock()
			err := write()
			s.step("some sessions written")
			s.mu.Lock()
			if err = errors.Join(err, s.interrupted(n)); err != nil {
				s.mu.Unlock()
				return err
			}
		}
	}
	s.mu.Unlock()
	return write()
}

// catchUp carries over what has been appended meanwhile, and makes all of it
// durable, so that there is little left to do when calls have to wait.
func (s *Store) catchUp(n *successor) error {
	for round, synced := 0, false; ; round++ {
		s.mu.Lock()
		size, err := s.journal.size, s.interrupted(n)
		s.mu.Unlock()
		if err != nil {
			return err
		}
		rest := size - n.since
		if err := n.carryOver(size); err != nil {
			return err
		}
		if synced && (rest <= swapRest || round >= carryRounds) {
			return nil
		}
		if rest <= swapRest || round >= carryRounds {
			if err := errors.Join(n.out.Flush(), n.file.Sync()); err != nil {
				return err
			}
			synced = true
		}
	}
}

func (s *Store) swap(n *successor, linesBefore int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.interrupted(n); err != nil {
		return err
	}
	if err := s.journal.swap(n, linesBefore); err != nil {
		return err
	}
	s.step("renamed, calls wait")
	return s.journal.reopen()
}

// sync makes durable what has been appended. Calls go on.
func (s *Store) sync() {
	s.mu.Lock()
	file, wanted := s.journal.file, s.journal.unsynced
	s.journal.unsynced = false
	s.mu.Unlock()
	if file == nil || !wanted {
		return
	}
	if err := file.Sync(); err != nil {
		s.log.Warn("the session journal could not be flushed to disk", "error", err)
		s.mu.Lock()
		s.journal.unsynced = true
		s.mu.Unlock()
	}
}
