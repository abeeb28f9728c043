package session

import (
	"testing"
	"time"
)

var testPolicy = Policy{
	AccessTTL: 15 * time.Minute, RefreshTTL: 7 * 24 * time.Hour, RememberTTL: 30 * 24 * time.Hour,
	SessionMaxAge: 90 * 24 * time.Hour,
}

var t0 = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func record(generation uint32) Record {
	return Record{
		ID: "S", UserID: "U", Generation: generation, IssuedAt: t0, IdleEnd: t0.Add(testPolicy.RefreshTTL),
		AbsoluteEnd: t0.Add(testPolicy.SessionMaxAge), CreatedAt: t0.Add(-time.Hour), Version: 7,
	}
}

func TestDecide(t *testing.T) {
	received := func(ago time.Duration) func(*Record) {
		return func(s *Record) { s.ReceivedAt = t0.Add(time.Minute - ago) }
	}
	now := t0.Add(time.Minute)
	// The access token of a record's pair is dead for long at lateNow.
	lateNow := t0.Add(8 * time.Hour)
	window := func(in time.Duration) func(*Record) {
		return func(s *Record) { s.ReissueUntil = lateNow.Add(in) }
	}
	for _, tt := range []struct {
		name      string
		presented uint32
		at        time.Time
		change    func(*Record)
		want      outcome
	}{
		{"current", 5, now, nil, rotated},
		{"current, and in use", 5, now, received(time.Hour), rotated},
		{"parent, child not seen yet", 4, now, nil, replayed},
		{"parent, child used just now", 4, now, received(0), served},
		{"parent, child used 14.999 s ago", 4, now, received(15*time.Second - time.Millisecond), served},
		{"parent, child used 15 s ago", 4, now, received(15 * time.Second), stolen},
		{"grandparent, child not seen", 3, now, nil, stolen},
		{"grandparent, child used just now", 3, now, received(0), stolen},
		{"first of all", 1, now, nil, stolen},
		{"newer than the record: the store lost a write", 6, now, nil, rotated},
		{"newer, at the idle end", 6, now, func(s *Record) { s.IdleEnd = now }, gone},
		{"zero", 0, now, nil, stolen},
		{"current, at the idle end", 5, now, func(s *Record) { s.IdleEnd = now }, gone},
		{"current, a moment before it", 5, now, func(s *Record) { s.IdleEnd = now.Add(time.Millisecond) }, rotated},
		{"current, at the absolute end", 5, now, func(s *Record) { s.AbsoluteEnd = now }, gone},
		{"stolen one of a session that is over", 1, now, func(s *Record) { s.IdleEnd = now }, gone},
		{"current, access token dead", 5, lateNow, nil, rotated},
		{"current, access token dead, in the reissue window", 5, lateNow, window(time.Millisecond), reissued},
		{"current, access token dead, after the reissue window", 5, lateNow, window(0), rotated},
		{"current, access token alive, in the reissue window", 5, now, window(time.Minute), rotated},
		{"grandparent, in the reissue window", 3, lateNow, window(time.Minute), stolen},
		{"newer than the record, in the reissue window", 6, lateNow, window(time.Minute), rotated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := record(5)
			if tt.change != nil {
				tt.change(&rec)
			}
			got, next := decide(rec, TokenPair{tt.presented, rec.IssuedAt}, testPolicy, tt.at)
			if got != tt.want {
				t.Fatalf("outcome %d, want %d", got, tt.want)
			}
			if got != rotated && got != reissued && next != rec {
				t.Errorf("record changed without a rotation: %+v", next)
			}
		})
	}
}

// An answer was lost, and the laptop asleep for hours. Several tabs wake up at
// once, and what the first gets has an access token that is dead: its next
// request rotated, and the other tabs' first ones were taken for a theft.
func TestWakingTabsKeepTheGeneration(t *testing.T) {
	rec, now := record(5), t0.Add(8*time.Hour)
	what, rec := decide(rec, TokenPair{4, t0.Add(-time.Hour)}, testPolicy, now)
	if what != replayed || rec.IssuedAt != t0 {
		t.Fatalf("the lost child is %s, dated %s; want the same again", verdict{what: what}, rec.IssuedAt)
	}
	now = now.Add(time.Second)
	what, rec = decide(rec, TokenPair{5, t0}, testPolicy, now)
	if what != reissued || rec.Generation != 5 || rec.IssuedAt != now {
		t.Fatalf("its first use is %s: %+v", verdict{what: what}, rec)
	}
	for _, other := range []TokenPair{{4, t0.Add(-time.Hour)}, {5, t0}} {
		if what, next := decide(rec, other, testPolicy, now.Add(10*time.Second)); what != replayed || next != rec {
			t.Errorf("another tab with %+v is %s", other, verdict{what: what})
		}
	}
	if what, next := decide(rec, rec.pair(), testPolicy, now.Add(time.Minute)); what != rotated || next.Generation != 6 {
		t.Errorf("a minute later: %s", verdict{what: what})
	}
}

// Under an AccessTTL of seconds every child is about to die when it comes
// again; only those that are dead are meant.
func TestShortAccessTTLRotatesAsEver(t *testing.T) {
	p := testPolicy
	p.AccessTTL = 20 * time.Second
	now := t0.Add(10 * time.Second)
	_, rec := decide(record(5), TokenPair{4, t0}, p, now)
	if what, next := decide(rec, rec.pair(), p, now); what != rotated || next.Generation != 6 {
		t.Errorf("%s to generation %d", verdict{what: what}, next.Generation)
	}
}

// Every tab of the browser gets the one pair that carries the change, without
// a rotation each, in whatever second it happens.
func TestChangedAccountNeedsNoRotation(t *testing.T) {
	before := record(5)
	rec := withAccount(before, Account{Role: RoleAdmin}, t0.Add(time.Millisecond))
	if rec.Generation != 5 || !before.pair().Before(rec.pair()) || rec.Account.Role != RoleAdmin || rec.IdleEnd != before.IdleEnd {
		t.Fatalf("%+v", rec)
	}
	for range 3 {
		if what, next := decide(rec, before.pair(), testPolicy, t0.Add(time.Second)); what != replayed || next != rec {
			t.Errorf("%s: %+v", verdict{what: what}, next)
		}
	}
	again := withAccount(rec, Account{Role: RoleUser}, t0.Add(time.Millisecond))
	if !rec.pair().Before(again.pair()) {
		t.Errorf("changed twice in one second: %v, then %v", rec.pair(), again.pair())
	}
}

func TestRotationMovesWhatItShould(t *testing.T) {
	rec := record(5)
	rec.ReceivedAt = t0.Add(time.Second)
	now := t0.Add(time.Hour + 700*time.Millisecond)
	_, next := decide(rec, rec.pair(), testPolicy, now)

	want := rec
	want.Generation = 6
	want.IssuedAt = t0.Add(time.Hour) // whole seconds: minting again must give the same bytes
	want.IdleEnd = t0.Add(time.Hour + testPolicy.RefreshTTL)
	want.ReceivedAt = time.Time{}
	want.LastSeenAt = now
	if next != want {
		t.Errorf("next = %+v\nwant   %+v", next, want)
	}
}

// A failover to a replica that lagged takes the record back; the browser
// holds a generation that the store has never heard of.
func TestRotationAfterALostWriteGoesOnFromTheToken(t *testing.T) {
	what, next := decide(record(5), TokenPair{7, t0}, testPolicy, t0.Add(time.Minute))
	if what != rotated || next.Generation != 8 {
		t.Errorf("outcome %d, generation %d; want rotated to 8", what, next.Generation)
	}
}

func TestRotationNeverOutlivesTheAbsoluteEnd(t *testing.T) {
	rec := record(5)
	rec.AbsoluteEnd = t0.Add(time.Hour)
	_, next := decide(rec, rec.pair(), testPolicy, t0.Add(time.Minute))
	if !next.IdleEnd.Equal(rec.AbsoluteEnd) {
		t.Errorf("idle end %s is after the absolute end %s", next.IdleEnd, rec.AbsoluteEnd)
	}
	rec.Remember = true
	_, next = decide(rec, rec.pair(), testPolicy, t0.Add(time.Minute))
	if !next.IdleEnd.Equal(rec.AbsoluteEnd) {
		t.Errorf("with remember me: idle end %s is after the absolute end %s", next.IdleEnd, rec.AbsoluteEnd)
	}
}

func TestRememberMeLivesLonger(t *testing.T) {
	rec := record(1)
	rec.Remember = true
	_, next := decide(rec, rec.pair(), testPolicy, t0.Add(time.Minute))
	if want := t0.Add(time.Minute + testPolicy.RememberTTL); !next.IdleEnd.Equal(want) {
		t.Errorf("idle end %s, want %s", next.IdleEnd, want)
	}
}

// Fifty tabs whose tokens expire in one second would all refresh in that second.
func TestAccessExpiryIsSpreadAndRepeatable(t *testing.T) {
	ttl := testPolicy.AccessTTL
	distinct := map[time.Time]bool{}
	for g := range uint32(200) {
		rec := record(g + 1)
		end := accessEnd(rec, ttl)
		if end.After(t0.Add(ttl)) || end.Before(t0.Add(ttl-ttl/20-time.Second)) {
			t.Fatalf("generation %d: %s after minting, want within 5 %% of %s", g, end.Sub(t0), ttl)
		}
		if again := accessEnd(rec, ttl); !again.Equal(end) {
			t.Fatalf("generation %d: %s, then %s", g, end, again)
		}
		distinct[end] = true
	}
	if len(distinct) < 20 {
		t.Errorf("only %d different expiries in 200", len(distinct))
	}
}

func TestAccessNeverOutlivesTheSession(t *testing.T) {
	rec := record(1)
	rec.IdleEnd = t0.Add(time.Minute)
	if end := accessEnd(rec, testPolicy.AccessTTL); !end.Equal(rec.IdleEnd) {
		t.Errorf("access ends %s, the session %s", end, rec.IdleEnd)
	}
}

// A refresh's decision is values and nothing else.
func TestDecideDoesNotAllocate(t *testing.T) {
	rec, outcomes := record(5), map[outcome]bool{}
	if n := testing.AllocsPerRun(100, func() {
		for presented := range uint32(6) {
			what, _ := decide(rec, TokenPair{presented, t0}, testPolicy, t0.Add(time.Minute))
			outcomes[what] = true
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !outcomes[rotated] || !outcomes[replayed] || !outcomes[stolen] {
		t.Errorf("decided: %v", outcomes)
	}
}

func BenchmarkDecide(b *testing.B) {
	rec, now := record(5), t0.Add(time.Minute)
	for name, presented := range map[string]TokenPair{"current": {5, t0}, "parent": {4, t0}, "stolen": {3, t0}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				decide(rec, presented, testPolicy, now)
			}
		})
	}
}
