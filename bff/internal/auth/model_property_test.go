package auth

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
		rapid.SampledFrom([]time.Duration{0, 1, -1, time.Millisecond, -time.Millisecond, lateTraffic, lateTraffic - 1, -lateTraffic}),
		rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(-int64(200*24*time.Hour), int64(200*24*time.Hour)).Draw(t, "far"))
		}),
	).Draw(t, label+" offset")
	return base.Add(off)
}

// anyRecord draws a record as a store could hold it after any history, and
// some that none should.
func anyRecord(t *rapid.T) (Session, uint32, time.Time) {
	rec := record(rapid.OneOf(
		rapid.Uint32Range(0, 5), rapid.Uint32Range(math.MaxUint32-5, math.MaxUint32-2), rapid.Uint32Range(0, math.MaxUint32-2),
	).Draw(t, "generation"))
	rec.Remember = rapid.Bool().Draw(t, "remember")
	rec.AbsoluteEnd = moment(t, "absolute end", rec.AbsoluteEnd, t0)
	rec.IdleEnd = moment(t, "idle end", rec.IdleEnd, rec.AbsoluteEnd, t0)
	now := moment(t, "now", t0, rec.IdleEnd, rec.AbsoluteEnd)
	if rapid.Bool().Draw(t, "received") {
		rec.ReceivedAt = moment(t, "received at", now)
	}
	presented := rapid.OneOf(
		rapid.Uint32Range(0, 3),
		rapid.Custom(func(t *rapid.T) uint32 {
			return rec.Generation + uint32(rapid.Int32Range(-3, 1).Draw(t, "ahead"))
		}),
	).Draw(t, "presented")
	return rec, min(presented, math.MaxUint32-1), now
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
		t.Fatal("not the same twice: it is not a function")
	}
	over := !now.Before(rec.IdleEnd) || !now.Before(rec.AbsoluteEnd)
	parent := presented+1 == rec.Generation
	usedAgo := now.Sub(rec.ReceivedAt)
	for outcome, is := range map[outcome]bool{
		gone:     over,
		rotated:  !over && presented >= rec.Generation,
		replayed: !over && parent && rec.ReceivedAt.IsZero(),
		served:   !over && parent && !rec.ReceivedAt.IsZero() && usedAgo < lateTraffic,
		stolen:   !over && presented < rec.Generation && !(parent && (rec.ReceivedAt.IsZero() || usedAgo < lateTraffic)),
	} {
		if is != (what == outcome) {
			t.Fatalf("%s, and it is %v that the table says %s", verdict{what: what}, is, verdict{what: outcome})
		}
	}
	if what != rotated {
		if next != rec {
			t.Fatalf("%s changes the record to %+v", verdict{what: what}, next)
		}
		return
	}
	if next.Generation != presented+1 || next.Generation <= rec.Generation {
		t.Fatalf("generation %d after %d, presented %d", next.Generation, rec.Generation, presented)
	}
	if next.IdleEnd.After(next.AbsoluteEnd) || !next.AbsoluteEnd.Equal(rec.AbsoluteEnd) {
		t.Fatalf("ends at %s and %s", next.IdleEnd, next.AbsoluteEnd)
	}
	if !next.ReceivedAt.IsZero() || next.IssuedAt.After(now) || now.Sub(next.IssuedAt) >= time.Second || next.IssuedAt.Nanosecond() != 0 {
		t.Fatalf("minted at %s, received at %s, and it is %s", next.IssuedAt, next.ReceivedAt, now)
	}
	if end := accessEnd(next, testPolicy.AccessTTL); end.After(next.IdleEnd) {
		t.Fatalf("the access token ends at %s, the session at %s", end, next.IdleEnd)
	}
	// Whoever comes right after with the same token gets this very child.
	again, same := decide(next, presented, testPolicy, now)
	if !next.ended(now) && (again != replayed || same != next) {
		t.Fatalf("right after: %s", verdict{what: again})
	}
	// Everything that is no matter of rotation stays.
	next.Generation, next.IssuedAt, next.IdleEnd, next.ReceivedAt, next.LastSeenAt =
		rec.Generation, rec.IssuedAt, rec.IdleEnd, rec.ReceivedAt, rec.LastSeenAt
	if next != rec {
		t.Fatalf("changed what is none of its business: %+v", next)
	}
}

// A long life of one record: whatever is presented when, its generation never
// falls, and time in it moves by rotations and receipts only.
func TestModelRecordOnlyGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec, now := record(1), t0
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "later")))
			if rapid.Bool().Draw(t, "used") && rec.ReceivedAt.IsZero() {
				rec.ReceivedAt = now
			}
			behind := rapid.Uint32Range(0, 3).Draw(t, "behind")
			what, next := decide(rec, rec.Generation-min(behind, rec.Generation), testPolicy, now)
			if what == rotated != (next.Generation == rec.Generation+1) || next.IdleEnd.Before(rec.IdleEnd) {
				t.Fatalf("%s from %+v to %+v", verdict{what: what}, rec, next)
			}
			rec = next
		}
	})
}
