package session

import (
	"context"
	"time"
)

// View is what a browser may know about its session.
type View struct {
	ID                string
	AccessExpiresAt   time.Time
	IdleExpiresAt     time.Time
	AbsoluteExpiresAt time.Time
	Remember          bool
}

// View says how long a session lasts, by the tokens alone. refresh is the
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

// KnownAccount is the account in the record that who was read from; ok is false
// when the access token was enough.
func (who Principal) KnownAccount() (a Account, ok bool) {
	if who.record == nil {
		return Account{}, false
	}
	return who.record.Account, true
}

// StoredAccount is the account in the session's record.
func (m *Manager) StoredAccount(ctx context.Context, who Principal) (Account, error) {
	rec, err := m.store.Get(ctx, who.UserID, who.SessionID)
	return rec.Account, err
}
