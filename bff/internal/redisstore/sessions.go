package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const (
	// pageSize is about how many sessions a page has, and how many entries one
	// script touches at most: half a millisecond that everything else waits.
	pageSize = 500
	// surplusStep is how many sessions one sign-in removes of an account that
	// has more than it may, from before there was a limit.
	surplusStep = 100
	// maxCreates bounds the loop of Create. An answer asks for a third round only
	// when a hundred sessions were created between two of this one's.
	maxCreates = 8
	// announceSoon is how long the sign-in that removed a session is left to
	// announce it, before the account's next one does.
	announceSoon = 10 * time.Second
)

// Create is session.Store.Create.
func (s *Store) Create(ctx context.Context, x session.Record) (displaced []string, err error) {
	text, err := encode(x)
	if err != nil {
		return nil, err
	}
	err = s.call(ctx, "create session", func(ctx context.Context) error {
		var candidates []string
		for range maxCreates {
			keys := append([]string{indexKey(x.UserID), recordKey(x.UserID, x.ID), displacedKey(x.UserID)}, recordKeys(x.UserID, candidates)...)
			now := s.now()
			answer, err := createScript.Run(ctx, s.rdb, keys, texts(candidates,
				millis(now), x.ID, text, millis(x.IdleEnd), session.MaxSessions, surplusStep,
				s.announceWithin().Milliseconds(), millis(now.Add(-announceSoon)))...).Slice()
			if err != nil {
				return err
			}
			done, ids, err := createAnswer(answer)
			if done || err != nil {
				displaced = ids
				return err
			}
			candidates = ids
		}
		return fmt.Errorf("%d times in a row a hundred other sign-ins of the account came between", maxCreates)
	})
	return displaced, err
}

// createAnswer is 1 and the sessions that made space, or 0 and the candidates.
func createAnswer(answer []any) (done bool, ids []string, err error) {
	if len(answer) == 0 {
		return false, nil, errors.New("redisstore: create gave an answer that it does not have")
	}
	for _, id := range answer[1:] {
		text, ok := id.(string)
		if !ok {
			return false, nil, errors.New("redisstore: create gave an id that is not text")
		}
		ids = append(ids, text)
	}
	return answer[0] == int64(1), ids, nil
}

// announceWithin is for how long the announcement of a removed session is of
// any use: then its last access token has expired.
func (s *Store) announceWithin() time.Duration { return s.keep + 2*skew }

// Get is session.Store.Get.
func (s *Store) Get(ctx context.Context, userID, id string) (session.Record, error) {
	var x session.Record
	found := false
	err := s.call(ctx, "get session", func(ctx context.Context) error {
		text, err := s.rdb.Get(ctx, recordKey(userID, id)).Result()
		if errors.Is(err, redis.Nil) {
			// A replica's answer is not enough to sign a browser out.
			var all []any
			if all, err = s.records(ctx, userID, []string{id}); err == nil {
				if text, found = all[0].(string); !found {
					return nil
				}
			}
		}
		if err != nil {
			return err
		}
		x, err = decode(userID, id, text)
		found = s.now().Before(x.IdleEnd)
		return err
	})
	if err != nil {
		return session.Record{}, err
	}
	if !found {
		return session.Record{}, session.ErrNoSession
	}
	return x, nil
}

// Swap is session.Store.Swap. A swap whose answer is lost on the way may have
// been done; the caller reads again and finds out.
func (s *Store) Swap(ctx context.Context, old, next session.Record) error {
	if old.UserID != next.UserID || old.ID != next.ID {
		return errors.New("redisstore: a swap keeps the session's ids")
	}
	next.Version = old.Version + 1
	text, err := encode(next)
	if err != nil {
		return err
	}
	var answer int
	err = s.call(ctx, "swap session", func(ctx context.Context) (err error) {
		answer, err = swapScript.Run(ctx, s.rdb, keys(old.UserID, old.ID),
			millis(s.now()), old.ID, text, millis(next.IdleEnd), strconv.FormatUint(old.Version, 10)).Int()
		return err
	})
	switch {
	case err != nil:
		return err
	case answer == swapGone:
		return session.ErrNoSession
	case answer == swapConflict:
		return session.ErrConflict
	case answer != swapDone:
		return errors.New("redisstore: swap gave an answer that it does not have")
	}
	return nil
}

// Page is session.Store.Page.
func (s *Store) Page(ctx context.Context, userID, cursor string) (page []session.Record, next string, err error) {
	err = s.call(ctx, "list sessions", func(ctx context.Context) error {
		answer, err := pageScript.Run(ctx, s.rdb, keys(userID), millis(s.now()), cmp.Or(cursor, scanEnd), pageSize).Slice()
		if err != nil {
			return err
		}
		var ids []string
		if next, ids, err = pageAnswer(answer); err != nil || len(ids) == 0 {
			return err
		}
		all, err := s.records(ctx, userID, ids)
		if err != nil {
			return err
		}
		for i, r := range all {
			text, ok := r.(string)
			if !ok {
				continue // ended between the two scripts, or a ghost no more
			}
			x, err := decode(userID, ids[i], text)
			if err != nil {
				return err
			}
			if s.now().Before(x.IdleEnd) {
				page = append(page, x)
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	if next == scanEnd {
		next = ""
	}
	return page, next, nil
}

// scanEnd is the cursor with which a scan begins, and ends.
const scanEnd = "0"

// pageAnswer is what ZSCAN gives: a cursor, and ids and scores in turn.
func pageAnswer(answer []any) (next string, ids []string, err error) {
	bad := errors.New("redisstore: the page of a user's sessions cannot be read")
	if len(answer) != 2 {
		return "", nil, bad
	}
	next, ok := answer[0].(string)
	entries, alsoOK := answer[1].([]any)
	if !ok || !alsoOK || len(entries)%2 != 0 {
		return "", nil, bad
	}
	for i := 0; i < len(entries); i += 2 {
		id, ok := entries[i].(string)
		if !ok {
			return "", nil, bad
		}
		ids = append(ids, id)
	}
	return next, ids, nil
}

// records gives a string for each id, nil where there is no record.
func (s *Store) records(ctx context.Context, userID string, ids []string) ([]any, error) {
	all, err := recordsScript.Run(ctx, s.rdb, keys(userID, ids...), texts(ids)...).Slice()
	if err == nil && len(all) != len(ids) {
		err = errors.New("more or fewer records than requested")
	}
	return all, err
}

// End is session.Store.End. The announcement goes first: when the removal then
// fails, every instance refuses the session's access tokens already, and the
// caller gets the error and tries again.
func (s *Store) End(ctx context.Context, ends ...session.Revocation) error {
	if len(ends) == 0 {
		return nil
	}
	if err := s.announce(ctx, ends); err != nil {
		return err
	}
	var users []string
	of := map[string][]string{}
	for _, r := range ends {
		if of[r.UserID] == nil {
			users = append(users, r.UserID)
		}
		of[r.UserID] = append(of[r.UserID], r.SessionID)
	}
	for _, userID := range users {
		ids := of[userID]
		err := s.call(ctx, "end sessions", func(ctx context.Context) error {
			return endScript.Run(ctx, s.rdb, append(keys(userID, ids...), displacedKey(userID)), texts(ids, millis(s.now()))...).Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keys gives the index and the records, as every script expects them.
func keys(userID string, ids ...string) []string {
	return append([]string{indexKey(userID)}, recordKeys(userID, ids)...)
}

func recordKeys(userID string, ids []string) []string {
	all := make([]string, 0, len(ids)+1)
	for _, id := range ids {
		all = append(all, recordKey(userID, id))
	}
	return all
}

func texts(ids []string, first ...any) []any {
	for _, id := range ids {
		first = append(first, id)
	}
	return first
}
