package session

import (
	"context"
	"fmt"
	"time"
)

// Ending is one or more sessions of one user that end together, with the one
// audit event that says so: an event each would let one account with many
// sessions push other people's out of the queue.
type Ending struct {
	Kind    EndKind
	Ends    []Revocation
	ActorID string // who ended them; empty when nobody is known to have
	Detail  string // of an EndStolen or EndRefused
	At      time.Time
	Client  Client
	Email   string // of the account, for the notice of an EndStolen
}

// EndKind is what an Ending is to the audit trail.
type EndKind int

// The kinds there are.
const (
	EndRevoked EndKind = iota // by the account, an administrator or the product
	EndSignOut                // by its own browser's cookies
	EndStolen                 // used from two places
	EndRefused                // a sign-in that was refused after its session had been stored
)

// Recorder is notified of sessions that have ended, for the audit trail and for
// the notice of a theft. It waits for nothing.
type Recorder interface {
	SessionsEnded(e Ending)
}

// Words give an event's session, empty for several, and its detail.
func (e Ending) Words() (sessionID, detail string) {
	switch {
	case e.Kind == EndRefused:
		return "", e.Detail
	case e.Kind != EndRevoked:
		return e.Ends[0].SessionID, e.Detail
	case len(e.Ends) == 1:
		return e.Ends[0].SessionID, string(e.Ends[0].Reason)
	}
	return "", fmt.Sprintf("%s: %d sessions", e.Ends[0].Reason, len(e.Ends))
}

// endingOf is for sessions of a user that by ends.
func (m *Manager) endingOf(ctx context.Context, userID string, by Principal, why Reason, sessionIDs ...string) Ending {
	out := Ending{Kind: EndRevoked, ActorID: by.UserID, At: m.now(), Client: ClientFrom(ctx)}
	for _, id := range sessionIDs {
		out.Ends = append(out.Ends, Revocation{UserID: userID, SessionID: id, Reason: why, At: out.At})
	}
	return out
}

// EndLater is for an end that the store could not carry out, or only half: this
// instance honours it at once and keeps trying.
func (m *Manager) EndLater(out Ending) {
	for _, e := range out.Ends {
		m.revoked.add(e)
	}
	m.pendingSignOuts.add(out)
}

// end ends sessions everywhere, and on this instance before it returns.
func (m *Manager) end(ctx context.Context, ends ...Revocation) error {
	if err := m.store.End(ctx, ends...); err != nil {
		return err
	}
	for _, e := range ends {
		m.revoked.add(e)
	}
	return nil
}

// EndAll ends those of a user's sessions that which names, page by page, and
// records one Ending. The pages are read after the change that ends them: a
// sign-in that is under way reads the account once more after its session is in
// the index.
func (m *Manager) EndAll(ctx context.Context, userID string, by Principal, why Reason, which func(Record) bool) error {
	var ended []Revocation
	err := m.eachPage(ctx, userID, func(page []Record) error {
		var ids []string
		for _, x := range page {
			if which(x) {
				ids = append(ids, x.ID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		out := m.endingOf(ctx, userID, by, why, ids...)
		if err := m.end(ctx, out.Ends...); err != nil {
			m.EndLater(out)
			return err
		}
		ended = append(ended, out.Ends...)
		return nil
	})
	if len(ended) > 0 {
		out := m.endingOf(ctx, userID, by, why)
		out.Ends = ended
		m.recorder.SessionsEnded(out)
	}
	return StoreError(err)
}
