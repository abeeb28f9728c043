package filestore

import (
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// entry is one line of the journal. Each says all that there is to know about
// one session, so that lines can be dropped when a later one names the same.
type entry struct {
	Journal  int      `json:"journal,omitempty"` // the format; first line only
	Put      *putLine `json:"put,omitempty"`     // created or swapped
	End      *endLine `json:"end,omitempty"`     // ended before its time
	Announce *endLine `json:"tell,omitempty"`    // announced, and not ended
}

// putLine is a session. Times are milliseconds since 1970, 0 for none.
type putLine struct {
	User          string       `json:"user"`
	ID            string       `json:"id"`
	Version       uint64       `json:"version"`
	Email         string       `json:"email"`
	Name          string       `json:"name,omitempty"`
	Role          session.Role `json:"role"`
	EmailVerified bool         `json:"emailVerified,omitempty"`
	AccountMade   int64        `json:"accountCreated,omitempty"`
	Remember      bool         `json:"remember,omitempty"`
	Created       int64        `json:"created,omitempty"`
	AbsoluteEnd   int64        `json:"absoluteEnd,omitempty"`
	IdleEnd       int64        `json:"idleEnd,omitempty"`
	Generation    uint32       `json:"generation,omitempty"`
	Issued        int64        `json:"issued,omitempty"`
	Received      int64        `json:"received,omitempty"`
	Settles       int64        `json:"settles,omitempty"`
	LastSeen      int64        `json:"lastSeen,omitempty"`
	Reissues      uint8        `json:"redates,omitempty"`
	IP            string       `json:"ip,omitempty"`
	UserAgent     string       `json:"userAgent,omitempty"`
}

type endLine struct {
	User   string         `json:"user"`
	ID     string         `json:"id"`
	Reason session.Reason `json:"reason"`
	At     int64          `json:"at,omitempty"`
	// Since is the token pair of an announcement.
	SinceGeneration uint32 `json:"sinceGeneration,omitempty"`
	SinceIssued     int64  `json:"sinceIssued,omitempty"`
	StoredAt        int64  `json:"told"`
}

// sessionLine expects x to be tidied.
func sessionLine(x session.Record) *putLine {
	return &putLine{
		User: url.QueryEscape(x.UserID), ID: url.QueryEscape(x.ID), Version: x.Version,
		Email: x.Account.Email, Name: x.Account.Name, Role: x.Account.Role,
		EmailVerified: x.Account.EmailVerified, AccountMade: millis(x.Account.CreatedAt),
		Remember: x.Remember, Created: millis(x.CreatedAt), AbsoluteEnd: millis(x.AbsoluteEnd), IdleEnd: millis(x.IdleEnd),
		Generation: x.Generation, Issued: millis(x.IssuedAt), Received: millis(x.ReceivedAt), Settles: millis(x.ReissueUntil), LastSeen: millis(x.LastSeenAt),
		IP: x.IP, UserAgent: x.UserAgent, Reissues: x.Reissues,
	}
}

func (l *putLine) session() session.Record {
	return session.Record{
		ID: unescape(l.ID), UserID: unescape(l.User), Version: l.Version,
		Account: session.Account{
			Email: l.Email, Name: l.Name, Role: l.Role, EmailVerified: l.EmailVerified, CreatedAt: fromMillis(l.AccountMade),
		},
		Remember: l.Remember, CreatedAt: fromMillis(l.Created), AbsoluteEnd: fromMillis(l.AbsoluteEnd), IdleEnd: fromMillis(l.IdleEnd),
		Generation: l.Generation, IssuedAt: fromMillis(l.Issued), ReceivedAt: fromMillis(l.Received), ReissueUntil: fromMillis(l.Settles), LastSeenAt: fromMillis(l.LastSeen),
		IP: l.IP, UserAgent: l.UserAgent, Reissues: l.Reissues,
	}
}

func endingLine(r session.Revocation, stored time.Time) *endLine {
	return &endLine{
		User: url.QueryEscape(r.UserID), ID: url.QueryEscape(r.SessionID), Reason: r.Reason, At: millis(r.At), StoredAt: millis(stored),
		SinceGeneration: r.Since.Generation, SinceIssued: millis(r.Since.IssuedAt),
	}
}

func (l *endLine) revocation() (session.Revocation, time.Time) {
	return session.Revocation{
		UserID: unescape(l.User), SessionID: unescape(l.ID), Reason: l.Reason, At: fromMillis(l.At),
		Since: session.TokenPair{Generation: l.SinceGeneration, IssuedAt: fromMillis(l.SinceIssued)},
	}, fromMillis(l.StoredAt)
}

// unescape undoes url.QueryEscape, which keeps ids apart that JSON would make
// one: it writes every byte that is not UTF-8 as U+FFFD. What gives ids their
// letters today, rand.Text, passes through both unchanged.
func unescape(s string) string {
	raw, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return raw
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// tidied is x as every store gives it back: times to the millisecond and in
// UTC, text in UTF-8.
func tidied(x session.Record) session.Record {
	for _, t := range []*time.Time{
		&x.Account.CreatedAt, &x.CreatedAt, &x.AbsoluteEnd, &x.IssuedAt, &x.IdleEnd, &x.ReceivedAt, &x.ReissueUntil, &x.LastSeenAt,
	} {
		*t = fromMillis(millis(*t))
	}
	for _, text := range []*string{&x.Account.Email, &x.Account.Name, &x.IP, &x.UserAgent} {
		*text = strings.ToValidUTF8(*text, "\uFFFD")
	}
	x.Account.Role = session.Role(strings.ToValidUTF8(string(x.Account.Role), "\uFFFD"))
	return x
}
