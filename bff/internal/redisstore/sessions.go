package redisstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// Create is auth.Sessions.Create.
func (s *Store) Create(ctx context.Context, x auth.Session) error {
	text, err := encode(x)
	if err != nil {
		return err
	}
	return s.ask(ctx, "create session", func(ctx context.Context) error {
		return createScript.Run(ctx, s.rdb, keys(x.UserID, x.ID), millis(s.now()), x.ID, text, millis(x.IdleEnd)).Err()
	})
}

// Get is auth.Sessions.Get.
func (s *Store) Get(ctx context.Context, userID, id string) (auth.Session, error) {
	var x auth.Session
	found := false
	err := s.ask(ctx, "get session", func(ctx context.Context) error {
		text, err := s.rdb.Get(ctx, recordKey(userID, id)).Result()
		if errors.Is(err, redis.Nil) {
			// Signing somebody out takes more than a replica's word.
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
		return auth.Session{}, err
	}
	if !found {
		return auth.Session{}, auth.ErrNoSession
	}
	return x, nil
}

// Swap is auth.Sessions.Swap. A swap whose answer is lost on the way may have
// been done; the caller reads again and finds out.
func (s *Store) Swap(ctx context.Context, old, next auth.Session) error {
	if old.UserID != next.UserID || old.ID != next.ID {
		return errors.New("redisstore: a swap keeps the session's ids")
	}
	next.Version = old.Version + 1
	text, err := encode(next)
	if err != nil {
		return err
	}
	var answer int
	err = s.ask(ctx, "swap session", func(ctx context.Context) (err error) {
		answer, err = swapScript.Run(ctx, s.rdb, keys(old.UserID, old.ID),
			millis(s.now()), old.ID, text, millis(next.IdleEnd), strconv.FormatUint(old.Version, 10)).Int()
		return err
	})
	switch {
	case err != nil:
		return err
	case answer == swapGone:
		return auth.ErrNoSession
	case answer == swapConflict:
		return auth.ErrConflict
	case answer != swapDone:
		return errors.New("redisstore: swap gave an answer that it does not have")
	}
	return nil
}

// List is auth.Sessions.List.
func (s *Store) List(ctx context.Context, userID string) ([]auth.Session, error) {
	var list []auth.Session
	err := s.ask(ctx, "list sessions", func(ctx context.Context) error {
		ids, err := membersScript.Run(ctx, s.rdb, keys(userID), millis(s.now())).StringSlice()
		if err != nil || len(ids) == 0 {
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
				list = append(list, x)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b auth.Session) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// records gives a string for each id, nil where there is no record.
func (s *Store) records(ctx context.Context, userID string, ids []string) ([]any, error) {
	all, err := recordsScript.Run(ctx, s.rdb, keys(userID, ids...), texts(ids)...).Slice()
	if err == nil && len(all) != len(ids) {
		err = errors.New("more or fewer records than asked for")
	}
	return all, err
}

// End is auth.Sessions.End. The announcement goes first: when the removal then
// fails, every instance refuses the session's access tokens already, and the
// caller, told of the error, tries again.
func (s *Store) End(ctx context.Context, ends ...auth.Revocation) error {
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
		err := s.ask(ctx, "end sessions", func(ctx context.Context) error {
			return endScript.Run(ctx, s.rdb, keys(userID, ids...), texts(ids, millis(s.now()))...).Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keys gives the index and the records, as every script expects them.
func keys(userID string, ids ...string) []string {
	all := append(make([]string, 0, 1+len(ids)), indexKey(userID))
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
