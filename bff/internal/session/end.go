package session

import (
	"context"
	"fmt"
	"time"
)

// Ending is one or more sessions of one user that end together, with one audit
// event: an event for each let one account with many sessions push other
// accounts' events out of the queue.
type Ending struct {
	Kind    EndKind
	Ends    []Revocation
	ActorID string // the account that ended them; empty when unknown
	Detail  string // of an EndStolen or EndRefused
	At      time.Time
	Client  Client
	Email   string // of the account, for the notice of an EndStolen
}

// EndKind selects the audit event of an Ending.
type EndKind int

// The kinds of Ending.
const (
	EndRevoked EndKind = iota // by the account, an administrator or the product
	EndSignOut                // by the cookies of its own browser
	EndStolen                 // used from two places
	EndRefused                // a sign-in that was refused after its session had been stored
)

// Recorder is notified of ended sessions, for the audit trail and for the notice
// of a theft. It does not block.
type Recorder interface {
	SessionsEnded(e Ending)
}

// Words returns the session of the audit event, empty for several sessions, and
// its detail.
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

// endingOf builds the Ending of some sessions of a user, caused by by.
func (m *Manager) endingOf(ctx context.Context, userID string, by Principal, why Reason, sessionIDs ...string) Ending {
	out := Ending{Kind: EndRevoked, ActorID: by.UserID, At: m.now(), Client: ClientFrom(ctx)}
	for _, id := range sessionIDs {
		out.Ends = append(out.Ends, Revocation{UserID: userID, SessionID: id, Reason: why, At: out.At})
	}
	return out
}

// EndLater takes an Ending that the store did not carry out, or only in part:
// this instance treats the sessions as ended at once and retries until the store
// has it.
func (m *Manager) EndLater(out Ending) {
	for _, e := range out.Ends {
		m.revoked.remember(e)
	}
	m.pendingSignOuts.enqueue(out)
}

// endNow ends sessions everywhere, and on this instance before it returns.
func (m *Manager) endNow(ctx context.Context, ends ...Revocation) error {
	if err := m.store.End(ctx, ends...); err != nil {
		return err
	}
	for _, e := range ends {
		m.revoked.remember(e)
	}
	return nil
}

// EndAll ends those of a user's sessions that which selects, page by page, and
// records one Ending. The pages are read after the change that ends the sessions:
// a sign-in under way reads the account once more after its session is in the
// index.
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
		if err := m.endNow(ctx, out.Ends...); err != nil {
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
