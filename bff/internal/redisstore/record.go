package redisstore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// record is a session as stored: JSON with short names, since every member has
// one of these in memory for weeks. Its ids are in its key. What is empty is
// left out.
//
// Instances of two versions share records during a rollout. A field may be
// added when its absence means what it meant before; an older instance skips
// it, and drops it when it swaps. A field never changes its name or meaning.
type record struct {
	// The scripts read these two by position: they stay the first.
	Version uint64 `json:"v"`
	IdleEnd int64  `json:"i"` // milliseconds since 1970

	Times      times        `json:"t"`
	Generation uint32       `json:"g,omitempty"`
	Reissues   uint8        `json:"rd,omitempty"`
	Remember   flag         `json:"rm,omitempty"`
	Email      string       `json:"e,omitempty"`
	Name       string       `json:"n,omitempty"`
	Role       session.Role `json:"r,omitempty"`
	Verified   flag         `json:"ev,omitempty"`
	IP         string       `json:"ip,omitempty"`
	UserAgent  string       `json:"ua,omitempty"`
	ShortAgent string       `json:"u,omitempty"` // in place of UserAgent, see expandUserAgent; not written any more
}

// times are the first one in milliseconds since 1970 and the others in
// milliseconds since the first; null for none. Their order is that of pack.
type times []*int64

// flag is 1 or left out: shorter than true.
type flag int

func raised(b bool) flag {
	if b {
		return 1
	}
	return 0
}

func pack(x session.Record) times {
	var all times
	var base int64
	for _, t := range []time.Time{
		x.CreatedAt, x.AbsoluteEnd, x.IssuedAt, x.ReceivedAt, x.LastSeenAt, x.Account.CreatedAt, x.ReissueUntil,
	} {
		var packed *int64
		if !t.IsZero() {
			ms := t.UnixMilli() - base
			packed = &ms
		}
		if all = append(all, packed); len(all) == 1 {
			base = millis(t)
		}
	}
	for len(all) > 0 && all[len(all)-1] == nil {
		all = all[:len(all)-1]
	}
	return all
}

// unpack leaves out what a newer version may have appended.
func (all times) unpack(x *session.Record) {
	var base int64
	for i, t := range []*time.Time{
		&x.CreatedAt, &x.AbsoluteEnd, &x.IssuedAt, &x.ReceivedAt, &x.LastSeenAt, &x.Account.CreatedAt, &x.ReissueUntil,
	} {
		if i < len(all) && all[i] != nil {
			*t = time.UnixMilli(base + *all[i]).UTC()
		}
		if i == 0 {
			base = millis(*t)
		}
	}
}

func encode(x session.Record) (string, error) {
	r := record{
		Version: x.Version, IdleEnd: millis(x.IdleEnd), Times: pack(x), Generation: x.Generation, Reissues: x.Reissues, Remember: raised(x.Remember),
		Email: utf8Only(x.Account.Email), Name: utf8Only(x.Account.Name), Role: x.Account.Role, Verified: raised(x.Account.EmailVerified),
		IP: utf8Only(x.IP), UserAgent: utf8Only(x.UserAgent),
	}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false) // six bytes for each < or &
	if err := out.Encode(r); err != nil {
		return "", fmt.Errorf("redisstore: %w", err)
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

func decode(userID, id, text string) (session.Record, error) {
	var r record
	err := json.Unmarshal([]byte(text), &r)
	if err == nil && r.IdleEnd == 0 {
		err = errors.New("it says not when it ends")
	}
	if err != nil {
		return session.Record{}, fmt.Errorf("the record %s cannot be read: %w", recordKey(userID, id), err)
	}
	x := session.Record{
		ID: id, UserID: userID, Version: r.Version, IdleEnd: fromMillis(r.IdleEnd), Generation: r.Generation, Reissues: r.Reissues, Remember: r.Remember != 0,
		Account: session.Account{Email: r.Email, Name: r.Name, Role: r.Role, EmailVerified: r.Verified != 0},
		IP:      r.IP, UserAgent: cmp.Or(r.UserAgent, expandUserAgent(r.ShortAgent)),
	}
	r.Times.unpack(&x)
	return x, nil
}

// utf8Only writes U+FFFD once for each run of bytes that are not UTF-8, where
// JSON would for each byte, at three for one.
func utf8Only(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

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
