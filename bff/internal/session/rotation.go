package session

import (
	"hash/fnv"
	"strconv"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// outcome is the result of presenting a refresh token.
type outcome int

const (
	rotated  outcome = iota // the current token pair: the next generation is made
	reissued                // the current token pair, within its reissueWindow: minted anew
	replayed                // an older token pair, and the current one may be lost: the current one again
	served                  // the parent within parentGrace, the current token pair has arrived: no cookies
	stolen                  // anything else: two parties hold this session
	gone                    // the session is past its end
)

const (
	// parentGrace is the grace of the parent token: for 15 s after the first use
	// of the child, requests that still carry the parent are served without
	// cookies, as late requests of the same browser: other tabs' requests that
	// were under way when the new cookies arrived. After it a parent is a theft.
	parentGrace = 15 * time.Second
	// reissueWindow is the least time that a generation stays current after its
	// token pair was handed out again: one message each way.
	reissueWindow = 2 * parentGrace
	// maxReissues bounds the reissues of a generation: a holder of two of its
	// token pairs could extend it for ever, and no rotation would ever expose
	// that there are two holders.
	maxReissues = 4
)

// decide is the only place that knows what rotation means. It is pure: stores
// compare and swap, this decides what.
//
// A browser has one cookie jar, so its requests carry the current generation or,
// for a moment, the one before. Until a request has carried an access token of
// the new generation, it is unknown whether the answer with the new cookies
// arrived: the parent may come again, any number of times, and gets the same
// child, byte for byte, so that the order in which a browser applies two answers
// does not matter. Once the child has been used, the parent is accepted for
// parentGrace, and after that it is a stolen copy.
//
// A child that comes again so late that its access token is dead would be rotated
// by the next request, while other tabs' requests with the parent are still under
// way: two generations behind, and detected as a theft without one. So within
// reissueWindow after a child was handed out its generation stays, and the token
// pair is reissued with a new date.
func decide(rec Record, presented TokenPair, p Policy, now time.Time) (outcome, Record) {
	switch {
	case rec.ended(now):
		return gone, rec
	case presented.Generation == rec.Generation && presented.Before(rec.pair()):
		return replayed, handedOut(rec, p, now)
	case presented.Generation == rec.Generation && now.Before(rec.ReissueUntil) && rec.Reissues < maxReissues && accessDying(rec, p, now):
		next := issuedAt(rec, p, now)
		next.Reissues++
		return reissued, next
	case presented.Generation >= rec.Generation:
		// Newer than the record: the token is genuine, so the store has lost a
		// write (a failover to a replica that lagged). This is not a theft.
		return rotated, atGeneration(rec, presented.Generation+1, p, now)
	case presented.Generation+1 == rec.Generation && rec.ReceivedAt.IsZero():
		return replayed, handedOut(rec, p, now)
	case presented.Generation+1 == rec.Generation && now.Sub(rec.ReceivedAt) < parentGrace:
		return served, rec
	default:
		return stolen, rec
	}
}

// atGeneration returns rec at another generation, with a token pair minted now.
// It is the only place that sets a generation: the fields about a generation
// (first use, reissue window, reissues) are never true of another one. The repair
// after a failover kept them, and the holder of the parent was taken for a thief
// because the generation before had been in use for long.
func atGeneration(rec Record, generation uint32, p Policy, now time.Time) Record {
	rec = issuedAt(rec, p, now)
	rec.Generation = generation
	rec.ReceivedAt, rec.ReissueUntil, rec.Reissues = time.Time{}, time.Time{}, 0
	return rec
}

// catchUp returns a record that a failover has reverted, brought to the token
// pair that was published since: access tokens of earlier pairs are refused, and
// each request with the old refresh token would rotate.
func catchUp(rec Record, since TokenPair, p Policy, now time.Time) Record {
	if rec.Generation != since.Generation {
		rec = atGeneration(rec, since.Generation, p, now)
	}
	rec.IssuedAt = later(since.IssuedAt, now.Truncate(time.Second))
	return rec
}

// issuedAt returns rec with a token pair minted now, in use now.
func issuedAt(rec Record, p Policy, now time.Time) Record {
	rec.IssuedAt = now.Truncate(time.Second)
	rec.IdleEnd = earlier(rec.IssuedAt.Add(p.idleTTL(rec.Remember)), rec.AbsoluteEnd)
	rec.LastSeenAt = now.Truncate(time.Millisecond)
	return rec
}

// handedOut returns rec after its token pair was handed out again. The moment is
// stored once in a while, not for every tab.
func handedOut(rec Record, p Policy, now time.Time) Record {
	if accessDying(rec, p, now) && rec.ReissueUntil.Before(now.Add(reissueWindow)) {
		rec.ReissueUntil = now.Add(reissueWindow + parentGrace).Truncate(time.Millisecond)
	}
	return rec
}

// accessDying reports whether the access token of the current pair will expire
// before messages under way arrive. Under an AccessTTL of seconds every token
// would: then only those that come back after a long time count.
func accessDying(rec Record, p Policy, now time.Time) bool {
	return !now.Add(min(reissueWindow, p.AccessTTL/10)).Before(accessEnd(rec, p.AccessTTL))
}

// withAccount returns rec after a change of the account: the session goes on, in
// its generation; when tokens carry the change, with a later date, so that
// earlier token pairs are answered with the new one.
func withAccount(rec Record, a Account, now time.Time) Record {
	if rec.Account.Role != a.Role || rec.Account.Email != a.Email { // what tokens carry
		rec.IssuedAt = later(now.Truncate(time.Second), rec.IssuedAt.Add(time.Second))
	}
	rec.Account = a
	return rec
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// accessEnd is when the access token of the record's generation expires: at most
// ttl after it was minted, up to 5 % earlier so that the tabs and instances of
// many sessions do not refresh in step, never after the session. It is a function
// of the record, so that a replayed child is the same child.
func accessEnd(rec Record, ttl time.Duration) time.Time {
	h := fnv.New32a()
	h.Write([]byte(rec.ID))
	h.Write([]byte(strconv.FormatUint(uint64(rec.Generation), 36)))
	jitter := time.Duration(float64(ttl) * 0.05 * float64(h.Sum32()) / (1 << 32))
	return earlier(rec.IssuedAt.Add(ttl-jitter), rec.IdleEnd).Truncate(time.Second)
}

// Cookies is a token pair for the browser. It is a function of the session record
// and the keys: never stored, always the same bytes.
type Cookies struct {
	Access  string
	Refresh string
	// MaxAge is for the cookies of a "remember me" session: its life from the
	// minting of this pair. Zero: the cookies end with the browser.
	MaxAge time.Duration
	// Which token pair this is, for Manager.Superseded.
	UserID, SessionID string
	TokenPair
}

func (m *Manager) mint(rec Record) (*Cookies, error) {
	access, err := m.tokens.MintAccess(token.Access{
		UserID: rec.UserID, SessionID: rec.ID, Generation: rec.Generation,
		Role: string(rec.Account.Role), Email: rec.Account.Email,
		IssuedAt: rec.IssuedAt, ExpiresAt: accessEnd(rec, m.policy.AccessTTL),
	})
	if err != nil {
		return nil, err
	}
	refresh, err := m.tokens.MintRefresh(token.Refresh{
		UserID: rec.UserID, SessionID: rec.ID, Generation: rec.Generation,
		Remember: rec.Remember, AbsoluteEnd: rec.AbsoluteEnd,
		IssuedAt: rec.IssuedAt, ExpiresAt: rec.IdleEnd,
	})
	if err != nil {
		return nil, err
	}
	c := &Cookies{Access: access, Refresh: refresh, UserID: rec.UserID, SessionID: rec.ID, TokenPair: rec.pair()}
	if rec.Remember {
		c.MaxAge = rec.IdleEnd.Sub(rec.IssuedAt)
	}
	return c, nil
}
