package session

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// List returns the live sessions of the user, newest first: MaxSessions at most,
// and always the one that the request comes from. Refusals are *refusal.Error.
func (m *Manager) List(ctx context.Context, who Principal) ([]Record, error) {
	var list []Record
	seen := map[string]bool{}
	err := m.eachPage(ctx, who.UserID, func(page []Record) error {
		for _, x := range page {
			if !seen[x.ID] {
				seen[x.ID] = true
				list = append(list, x)
			}
		}
		if len(list) >= MaxSessions {
			return errEnough // an account from before there was a limit
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, StoreError(err)
	}
	if !seen[who.SessionID] {
		if own, err := m.store.Get(ctx, who.UserID, who.SessionID); err == nil {
			list = append(list, own)
		} else if !errors.Is(err, ErrNoSession) {
			return nil, StoreError(err)
		}
	}
	slices.SortFunc(list, func(a, b Record) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	if own := slices.IndexFunc(list, func(x Record) bool { return x.ID == who.SessionID }); own >= MaxSessions {
		list[MaxSessions-1] = list[own]
	}
	return list[:min(len(list), MaxSessions)], nil
}

// errEnough ends a walk through pages.
var errEnough = errors.New("enough sessions")

// eachPage calls fn with every page of the user's live sessions until one of
// them fails. A session may come twice.
func (m *Manager) eachPage(ctx context.Context, userID string, fn func([]Record) error) error {
	for cursor := ""; ; {
		page, next, err := m.store.Page(ctx, userID, cursor)
		if err != nil {
			return err
		}
		if err := fn(page); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// EndSession ends one of the user's own sessions. The answer for a session of
// another user is the same as for an unknown one. Refusals are *refusal.Error.
func (m *Manager) EndSession(ctx context.Context, who Principal, id string) error {
	switch _, err := m.store.Get(ctx, who.UserID, id); {
	case errors.Is(err, ErrNoSession):
		return &refusal.Error{Code: refusal.NotFound, Detail: "There is no such session."}
	case err != nil:
		return StoreError(err)
	}
	reason := ReasonEnded
	if id == who.SessionID {
		reason = ReasonSignOut
	}
	return m.endOrEndLater(ctx, m.endingOf(ctx, who.UserID, who, reason, id))
}

// EndSessions ends all of the user's sessions, or with others all but the one
// that the request comes from. Refusals are *refusal.Error.
func (m *Manager) EndSessions(ctx context.Context, who Principal, others bool) error {
	// The own session ends too when the index does not name it, and last: a retry
	// is made with its cookies.
	own := m.endingOf(ctx, who.UserID, who, ReasonSignOut, who.SessionID)
	ended := 0
	err := m.EndAll(ctx, who.UserID, who, ReasonEnded, func(x Record) bool {
		if x.ID == who.SessionID {
			return false
		}
		ended++
		return true
	})
	switch {
	case others:
		return err
	case err != nil && ended > 0:
		// Some sessions have ended: the rest is finished without a second
		// request.
		m.EndLater(own)
		return err
	case err != nil:
		return err
	}
	return m.endOrEndLater(ctx, own)
}

// endOrEndLater ends sessions now or, while the store is away, as soon as it is
// reachable. A failure may be partial: the revocation is published, which also
// ends the session that would retry.
func (m *Manager) endOrEndLater(ctx context.Context, out Ending) error {
	if err := m.endNow(ctx, out.Ends...); err != nil {
		m.EndLater(out)
		return StoreError(err)
	}
	m.recorder.SessionsEnded(out)
	return nil
}
