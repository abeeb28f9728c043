package session

import (
	"fmt"
	"time"
)

// behind names a pair by how old it is: two for each generation behind the
// record's, and one if another pair of its generation has a later date.
type behind uint8

const (
	current   behind = 0
	outdated  behind = 1 // of the current generation
	parent    behind = 2
	forgotten        = behind(2 * ancient) // as far as the model tells them apart
	ancient          = 3
)

func (b behind) generations() uint8 { return uint8(b / 2) }

// rotated is b when there is a generation more.
func (b behind) rotated() behind { return min(b+2, forgotten) }

// reissued is b when the current pair has got a new date.
func (b behind) reissued() behind { return max(b, outdated) }

const (
	maxTabs   = 4
	instances = 2
)

func (b behind) String() string {
	return fmt.Sprintf("-%d%s", b.generations(), [...]string{"", " of an earlier date"}[b%2])
}

// presented is what the refresh token of a pair says of it.
func (b behind) presented(rec Record) TokenPair {
	p := rec.pair()
	p.Generation -= uint32(b.generations())
	if b == outdated {
		p.IssuedAt = p.IssuedAt.Add(-time.Second)
	}
	return p
}

// pairOf is what mint makes of a record: two pairs are the same bytes exactly
// if these are equal (the token package's tests hold that up).
type pairOf struct {
	generation                          uint32
	issued, accessEnd, idleEnd, lastEnd time.Time
	remember                            bool
}

func pair(rec Record, p Policy) pairOf {
	return pairOf{rec.Generation, rec.IssuedAt, accessEnd(rec, p.AccessTTL), rec.IdleEnd, rec.AbsoluteEnd, rec.Remember}
}

// lives says, of a generation so far behind and minted so long ago, whether
// its access token has not expired.
type lives [ancient][old + 1]bool

func livesUnder(p Policy) (l lives) {
	for generations := range l {
		for a := just; a <= old; a++ {
			w := model{}
			w.issued[generations] = a
			l[generations][a] = modelNow.Before(accessEnd(w.minted(uint8(generations)), p.AccessTTL))
		}
	}
	return l
}

// fresh reports whether the access token of a pair is good: one that got a new
// date had expired, or is announced as overtaken.
func (l *lives) fresh(w *model, b behind) bool {
	n := b.generations()
	return n < ancient && b%2 == 0 && l[n][w.issued[n]]
}
