package auth

import (
	"hash/fnv"
	"strconv"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// outcome is what a presented refresh token leads to.
type outcome int

const (
	rotated  outcome = iota // the current one: the next generation is made
	replayed                // its parent, and the child may be lost: the same child again
	served                  // its parent, and the child has arrived: late traffic, no cookies
	stolen                  // anything else: two parties hold this session
	gone                    // the session is past its end
)

// lateTraffic is how long after the child's first use requests that still
// carry the parent are taken for stragglers of the same browser: other tabs'
// requests that were under way when the new cookies arrived.
const lateTraffic = 15 * time.Second

// decide is the only place that knows what rotation means. It is pure: stores
// compare and swap, this decides what.
//
// A browser has one cookie jar, so its requests carry the current generation
// or, for a moment, the one before. Until a request has carried an access
// token of the new generation, nobody can know that the answer with the new
// cookies arrived: the parent may come again, any number of times, and gets
// the same child, byte for byte, so that the order in which a browser applies
// two answers does not matter. Once the child has been used the parent is
// late traffic for a moment, and after that somebody else's copy.
func decide(rec Session, presented uint32, p Policy, now time.Time) (outcome, Session) {
	switch {
	case rec.ended(now):
		return gone, rec
	case presented >= rec.Generation:
		// Newer than the record: the token is genuine, so the store has lost
		// a write (a failover to a replica that lagged). That is no theft.
		next := rec
		next.Generation = presented + 1
		next.IssuedAt = now.Truncate(time.Second)
		next.IdleEnd = earlier(next.IssuedAt.Add(p.idleTTL(rec.Remember)), rec.AbsoluteEnd)
		next.ReceivedAt = time.Time{}
		next.LastSeenAt = now.Truncate(time.Millisecond)
		return rotated, next
	case presented+1 == rec.Generation && rec.ReceivedAt.IsZero():
		return replayed, rec
	case presented+1 == rec.Generation && now.Sub(rec.ReceivedAt) < lateTraffic:
		return served, rec
	default:
		return stolen, rec
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// accessEnd is when the access token of the record's generation expires: at
// most ttl after it was minted, up to 5 % earlier so that the tabs and
// instances of many sessions do not renew in step, never after the session.
// It is a function of the record, so that a replayed child is the same child.
func accessEnd(rec Session, ttl time.Duration) time.Time {
	h := fnv.New32a()
	h.Write([]byte(rec.ID))
	h.Write([]byte(strconv.FormatUint(uint64(rec.Generation), 36)))
	jitter := time.Duration(float64(ttl) * 0.05 * float64(h.Sum32()) / (1 << 32))
	return earlier(rec.IssuedAt.Add(ttl-jitter), rec.IdleEnd).Truncate(time.Second)
}

// Cookies is a pair of tokens for the browser. It is a function of the
// session record and the keys: never stored, always the same bytes.
type Cookies struct {
	Access  string
	Refresh string
	// MaxAge is for the cookies of a "remember me" session: its life from the
	// minting of this pair. Zero: the cookies end with the browser.
	MaxAge time.Duration
	// Which pair this is, for Service.Superseded.
	UserID, SessionID string
	Generation        uint32
}

func (s *Service) mint(rec Session) (*Cookies, error) {
	access, err := s.tokens.MintAccess(token.Access{
		UserID: rec.UserID, SessionID: rec.ID, Generation: rec.Generation,
		Role: string(rec.Account.Role), Email: rec.Account.Email,
		IssuedAt: rec.IssuedAt, ExpiresAt: accessEnd(rec, s.policy.AccessTTL),
	})
	if err != nil {
		return nil, err
	}
	refresh, err := s.tokens.MintRefresh(token.Refresh{
		UserID: rec.UserID, SessionID: rec.ID, Generation: rec.Generation,
		Remember: rec.Remember, AbsoluteEnd: rec.AbsoluteEnd,
		IssuedAt: rec.IssuedAt, ExpiresAt: rec.IdleEnd,
	})
	if err != nil {
		return nil, err
	}
	c := &Cookies{Access: access, Refresh: refresh, UserID: rec.UserID, SessionID: rec.ID, Generation: rec.Generation}
	if rec.Remember {
		c.MaxAge = rec.IdleEnd.Sub(rec.IssuedAt)
	}
	return c, nil
}
