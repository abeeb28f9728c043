package auth

import (
	"testing"
	"time"
)

var testPolicy = Policy{
	AccessTTL: 15 * time.Minute, RefreshTTL: 7 * 24 * time.Hour, RememberTTL: 30 * 24 * time.Hour,
	SessionMaxAge: 90 * 24 * time.Hour, SignupOpen: true,
}

var t0 = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func record(generation uint32) Session {
	return Session{
		ID: "S", UserID: "U", Generation: generation, IssuedAt: t0, IdleEnd: t0.Add(testPolicy.RefreshTTL),
		AbsoluteEnd: t0.Add(testPolicy.SessionMaxAge), CreatedAt: t0.Add(-time.Hour), Version: 7,
	}
}

func TestDecide(t *testing.T) {
	received := func(ago time.Duration) func(*Session) {
		return func(s *Session) { s.ReceivedAt = t0.Add(time.Minute - ago) }
	}
	now := t0.Add(time.Minute)
	for _, tt := range []struct {
		name      string
		presented uint32
		change    func(*Session)
		want      outcome
	}{
		{"current", 5, nil, rotated},
		{"current, and in use", 5, received(time.Hour), rotated},
		{"parent, child not seen yet", 4, nil, replayed},
		{"parent, child used just now", 4, received(0), served},
		{"parent, child used 14.999 s ago", 4, received(15*time.Second - time.Millisecond), served},
		{"parent, child used 15 s ago", 4, received(15 * time.Second), stolen},
		{"grandparent, child not seen", 3, nil, stolen},
		{"grandparent, child used just now", 3, received(0), stolen},
		{"first of all", 1, nil, stolen},
		{"newer than the record: the store lost a write", 6, nil, rotated},
		{"newer, at the idle end", 6, func(s *Session) { s.IdleEnd = now }, gone},
		{"zero", 0, nil, stolen},
		{"current, at the idle end", 5, func(s *Session) { s.IdleEnd = now }, gone},
		{"current, a moment before it", 5, func(s *Session) { s.IdleEnd = now.Add(time.Millisecond) }, rotated},
		{"current, at the absolute end", 5, func(s *Session) { s.AbsoluteEnd = now }, gone},
		{"stolen one of a session that is over", 1, func(s *Session) { s.IdleEnd = now }, gone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := record(5)
			if tt.change != nil {
				tt.change(&rec)
			}
			got, next := decide(rec, tt.presented, testPolicy, now)
			if got != tt.want {
				t.Fatalf("outcome %d, want %d", got, tt.want)
			}
			if got != rotated && next != rec {
				t.Errorf("record changed without a rotation: %+v", next)
			}
		})
	}
}

func TestRotationMovesWhatItShould(t *testing.T) {
	rec := record(5)
	rec.ReceivedAt = t0.Add(time.Second)
	now := t0.Add(time.Hour + 700*time.Millisecond)
	_, next := decide(rec, 5, testPolicy, now)

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
	what, next := decide(record(5), 7, testPolicy, t0.Add(time.Minute))
	if what != rotated || next.Generation != 8 {
		t.Errorf("outcome %d, generation %d; want rotated to 8", what, next.Generation)
	}
}

func TestRotationNeverOutlivesTheAbsoluteEnd(t *testing.T) {
	rec := record(5)
	rec.AbsoluteEnd = t0.Add(time.Hour)
	_, next := decide(rec, 5, testPolicy, t0.Add(time.Minute))
	if !next.IdleEnd.Equal(rec.AbsoluteEnd) {
		t.Errorf("idle end %s is after the absolute end %s", next.IdleEnd, rec.AbsoluteEnd)
	}
	rec.Remember = true
	_, next = decide(rec, 5, testPolicy, t0.Add(time.Minute))
	if !next.IdleEnd.Equal(rec.AbsoluteEnd) {
		t.Errorf("with remember me: idle end %s is after the absolute end %s", next.IdleEnd, rec.AbsoluteEnd)
	}
}

func TestRememberMeLivesLonger(t *testing.T) {
	rec := record(1)
	rec.Remember = true
	_, next := decide(rec, 1, testPolicy, t0.Add(time.Minute))
	if want := t0.Add(time.Minute + testPolicy.RememberTTL); !next.IdleEnd.Equal(want) {
		t.Errorf("idle end %s, want %s", next.IdleEnd, want)
	}
}

// Fifty tabs whose tokens expire in one second would all renew in that second.
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
