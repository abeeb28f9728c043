package filestore

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// surplus gives the user's live sessions, but for the one named, beyond the
// most that are to stay: those seen longest ago. The lock is held.
func (s *Store) surplus(userID, but string, most int) []session.Record {
	if len(s.users[userID]) <= most {
		return nil
	}
	live := make([]session.Record, 0, len(s.users[userID]))
	for id := range s.users[userID] {
		if x, ok := s.find(userID, id); ok && id != but {
			live = append(live, x)
		}
	}
	slices.SortFunc(live, func(a, b session.Record) int {
		return cmp.Or(a.LastSeenAt.Compare(b.LastSeenAt), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return live[:max(0, len(live)-most)]
}

// endSurplus ends what a journal from before there was a limit has too much.
func (s *Store) endSurplus(now time.Time) {
	for userID := range s.users {
		for _, old := range s.surplus(userID, "", session.MaxSessions) {
			r := session.Revocation{UserID: userID, SessionID: old.ID, Reason: session.ReasonSessionLimit, At: fromMillis(millis(now))}
			s.apply(entry{End: endingLine(r, now)})
		}
	}
}
