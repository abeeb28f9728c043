package session

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// moment draws times at and around everything that decide compares with, and
// far from it.
func moment(t *rapid.T, label string, around ...time.Time) time.Time {
	base := rapid.SampledFrom(around).Draw(t, label)
	off := rapid.OneOf(
		rapid.SampledFrom([]time.Duration{0, 1, -1, time.Millisecond, -time.Millisecond, parentGrace, parentGrace - 1, -parentGrace}),
		rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(-int64(200*24*time.Hour), int64(200*24*time.Hour)).Draw(t, "far"))
		}),
	).Draw(t, label+" offset")
	return base.Add(off)
}

// anyRecord draws a record as a store could hold it after any history, and
// some that none should.
func anyRecord(t *rapid.T) (Record, TokenPair, time.Time) {
	rec := record(rapid.OneOf(
		rapid.Uint32Range(0, 5), rapid.Uint32Range(math.MaxUint32-5, math.MaxUint32-2), rapid.Uint32Range(0, math.MaxUint32-2),
	).Draw(t, "generation"))
	rec.Remember = rapid.Bool().Draw(t, "remember")
	rec.AbsoluteEnd = moment(t, "absolute end", rec.AbsoluteEnd, t0)
	rec.IdleEnd = moment(t, "idle end", rec.IdleEnd, rec.AbsoluteEnd, t0)
	now := moment(t, "now", t0, accessEnd(rec, testPolicy.AccessTTL), rec.IdleEnd, rec.AbsoluteEnd)
	if rapid.Bool().Draw(t, "settles") {
		rec.ReissueUntil = moment(t, "settles at", now)
		rec.Reissues = rapid.Uint8Range(0, maxReissues+1).Draw(t, "redates")
	}
	if rapid.Bool().Draw(t, "received") {
		rec.ReceivedAt = moment(t, "received at", now)
	}
	generation := rapid.OneOf(
		rapid.Uint32Range(0, 3),
		rapid.Custom(func(t *rapid.T) uint32 {
			return rec.Generation + uint32(rapid.Int32Range(-3, 1).Draw(t, "ahead"))
		}),
	).Draw(t, "presented")
	issued := rec.IssuedAt.Add(rapid.SampledFrom([]time.Duration{-time.Hour, -time.Second, 0, 0, time.Second}).Draw(t, "issued"))
	return rec, TokenPair{min(generation, math.MaxUint32-1), issued}, now
}

// The laws of decide, whatever it is given.
func TestModelLawsOfDecide(t *testing.T) {
	for range 30 { // of rapid's hundred each
		rapid.Check(t, lawsOfDecide)
	}
}

func lawsOfDecide(t *rapid.T) {
	rec, presented, now := anyRecord(t)
	what, next := decide(rec, presented, testPolicy, now)

	if again, nextAgain := decide(rec, presented, testPolicy, now); again != what || nextAgain != next {
		t.Fatalf("not a function: %s, then %s", verdict{what: what}, verdict{what: again})
	}
	over := !now.Before(rec.IdleEnd) || !now.Before(rec.AbsoluteEnd)
	isCurrent := presented.Generation == rec.Generation && !presented.IssuedAt.Before(rec.IssuedAt)
	isOutdated := presented.Generation == rec.Generation && !isCurrent
	isParent := presented.Generation+1 == rec.Generation
	usedAgo := now.Sub(rec.ReceivedAt)
	left := accessEnd(rec, testPolicy.AccessTTL).Sub(now)
	window := isCurrent && now.Before(rec.ReissueUntil) && left <= 30*time.Second && rec.Reissues < 4
	for outcome, is := range map[outcome]bool{
		gone:     over,
		rotated:  !over && (isCurrent && !window || presented.Generation > rec.Generation),
		reissued: !over && window,
		replayed: !over && (isOutdated || isParent && rec.ReceivedAt.IsZero()),
		served:   !over && isParent && !rec.ReceivedAt.IsZero() && usedAgo < parentGrace,
		stolen:   !over && presented.Generation < rec.Generation && !(isParent && (rec.ReceivedAt.IsZero() || usedAgo < parentGrace)),
	} {
		if is != (what == outcome) {
			t.Fatalf("%s, and it is %v that the table says %s", verdict{what: what}, is, verdict{what: outcome})
		}
	}
	switch what {
	case rotated:
		if next.Generation != presented.Generation+1 || next.Generation <= rec.Generation || !next.ReceivedAt.IsZero() || !next.ReissueUntil.IsZero() || next.Reissues != 0 {
			t.Fatalf("generation %d after %d, presented %d, received at %s, settles at %s",
				next.Generation, rec.Generation, presented.Generation, next.ReceivedAt, next.ReissueUntil)
		}
	case reissued:
		if next.Generation != rec.Generation || next.ReceivedAt != rec.ReceivedAt || next.ReissueUntil != rec.ReissueUntil || next.Reissues != rec.Reissues+1 {
			t.Fatalf("a new date changes more than that: %+v", next)
		}
	case replayed:
		switch {
		case left > reissueWindow && next != rec:
			t.Fatalf("%s with a live access token changes the record to %+v", verdict{what: what}, next)
		case left <= reissueWindow && next.ReissueUntil.Sub(now) < reissueWindow-time.Millisecond:
			t.Fatalf("%s with a dead access token, and it settles at %s", verdict{what: what}, next.ReissueUntil)
		}
		next.ReissueUntil = rec.ReissueUntil
		fallthrough
	default:
		if next != rec {
			t.Fatalf("%s changes the record to %+v", verdict{what: what}, next)
		}
		return
	}
	if next.IdleEnd.After(next.AbsoluteEnd) || !next.AbsoluteEnd.Equal(rec.AbsoluteEnd) {
		t.Fatalf("ends at %s and %s", next.IdleEnd, next.AbsoluteEnd)
	}
	if next.IssuedAt.After(now) || now.Sub(next.IssuedAt) >= time.Second || next.IssuedAt.Nanosecond() != 0 {
		t.Fatalf("minted at %s, and it is %s", next.IssuedAt, now)
	}
	if end := accessEnd(next, testPolicy.AccessTTL); end.After(next.IdleEnd) {
		t.Fatalf("the access token ends at %s, the session at %s", end, next.IdleEnd)
	}
	// Whoever comes right after with the same token gets this very child.
	again, same := decide(next, presented, testPolicy, now)
	if what == rotated && !next.ended(now) && (again != replayed || pair(same, testPolicy) != pair(next, testPolicy)) {
		t.Fatalf("right after: %s", verdict{what: again})
	}
	// Everything that is no matter of rotation stays.
	next.Generation, next.IssuedAt, next.IdleEnd, next.ReceivedAt, next.ReissueUntil, next.Reissues, next.LastSeenAt =
		rec.Generation, rec.IssuedAt, rec.IdleEnd, rec.ReceivedAt, rec.ReissueUntil, rec.Reissues, rec.LastSeenAt
	if next != rec {
		t.Fatalf("changed what is none of its business: %+v", next)
	}
}

// A long life of one record: whatever is presented when, the pair that is
// current is never replaced by an older one, and neither is its end.
func TestModelRecordOnlyGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec, now := record(2), t0
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "later")))
			if rapid.Bool().Draw(t, "used") && rec.ReceivedAt.IsZero() {
				rec.ReceivedAt = now
			}
			if rapid.IntRange(0, 9).Draw(t, "role changes") == 0 {
				other := map[Role]Role{RoleAdmin: RoleUser}[rec.Account.Role]
				if other == "" {
					other = RoleAdmin
				}
				next := withAccount(rec, Account{Role: other}, now)
				if !rec.pair().Before(next.pair()) || next.IdleEnd != rec.IdleEnd {
					t.Fatalf("a change of the role takes %+v to %+v", rec, next)
				}
				rec = next
			}
			presented := rec.pair()
			presented.Generation -= rapid.Uint32Range(0, min(rec.Generation-1, 3)).Draw(t, "behind")
			if rapid.Bool().Draw(t, "of an earlier date") {
				presented.IssuedAt = presented.IssuedAt.Add(-time.Second)
			}
			what, next := decide(rec, presented, testPolicy, now)
			if (what == rotated) != (next.Generation == rec.Generation+1) || next.pair().Before(rec.pair()) || next.IdleEnd.Before(rec.IdleEnd) {
				t.Fatalf("%s from %+v to %+v", verdict{what: what}, rec, next)
			}
			rec = next
		}
	})
}
