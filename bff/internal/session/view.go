package session

import (
	"context"
	"time"
)

// View is the part of a session that its browser may see.
type View struct {
	ID                string
	AccessExpiresAt   time.Time
	IdleExpiresAt     time.Time
	AbsoluteExpiresAt time.Time
	Remember          bool
}

// View returns the lifetimes of a session, by the tokens alone. refresh is the
// browser's refresh token, "" when it has none.
func (m *Manager) View(who Principal, refresh string) View {
	v := View{ID: who.SessionID, AccessExpiresAt: who.accessEnd}
	if r := who.record; r != nil {
		v.IdleExpiresAt, v.AbsoluteExpiresAt, v.Remember = r.IdleEnd, r.AbsoluteEnd, r.Remember
		return v
	}
	r, err := m.tokens.VerifyRefresh(refresh, m.now())
	if err != nil || r.SessionID != who.SessionID {
		// Without its refresh token a session lasts as long as the access token.
		v.IdleExpiresAt, v.AbsoluteExpiresAt = who.accessEnd, who.accessEnd
		return v
	}
	v.IdleExpiresAt, v.AbsoluteExpiresAt, v.Remember = r.ExpiresAt, r.AbsoluteEnd, r.Remember
	return v
}

// KnownAccount returns the account of the record that who was read from; ok is
// false when the access token was enough.
func (who Principal) KnownAccount() (a Account, ok bool) {
	if who.record == nil {
		return Account{}, false
	}
	return who.record.Account, true
}

// StoredAccount reads the account from the session's record.
func (m *Manager) StoredAccount(ctx context.Context, who Principal) (Account, error) {
	rec, err := m.store.Get(ctx, who.UserID, who.SessionID)
	return rec.Account, err
}
