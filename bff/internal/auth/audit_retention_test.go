package auth_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// keeping has the service shorten its trail of events, which are old, by
// a retention.
func keeping(r auth.Retention, events ...auth.Event) func(*auth.Deps) {
	return func(d *auth.Deps) {
		audit := d.Audit.(interface {
			auth.Audit
			auth.AuditKeeper
			SetClock(func() time.Time)
		})
		audit.SetClock(d.Now)
		if err := audit.Append(context.Background(), events...); err != nil {
			panic(err)
		}
		d.AuditKeeper, d.Retention = audit, r
	}
}

// The trail grew for ever.
func TestRetentionDeletesWhatIsOld(t *testing.T) {
	var events []auth.Event
	for i := range 100 {
		events = append(events, auth.Event{ID: fmt.Sprint(i), Type: auth.EventLogout, UserID: "u", At: sessiontest.Start.Add(-time.Duration(i) * time.Hour)})
	}
	h := open(t, keeping(auth.Retention{Keep: 48 * time.Hour}, events...))
	eventually(t, "what is older than two days is gone", func() bool { return len(h.eventsOf(auth.EventLogout)) == 49 })
	for _, e := range h.eventsOf(auth.EventLogout) {
		if e.At.Before(sessiontest.Start.Add(-48 * time.Hour)) {
			t.Errorf("%s is from %s", e.ID, e.At)
		}
	}
}

// Of several instances one does it.
func TestRetentionIsLeftToTheInstanceThatHasIt(t *testing.T) {
	old := auth.Event{ID: "old", Type: auth.EventLogout, At: sessiontest.Start.Add(-time.Hour)}
	var other auth.AuditKeeper
	h := open(t, keeping(auth.Retention{Keep: 20 * time.Second}, old), func(d *auth.Deps) {
		other = d.AuditKeeper
		if mine, err := other.Lease(context.Background(), "audit retention", "another", sessiontest.Start.Add(5*time.Minute)); err != nil || !mine {
			panic(fmt.Sprint(mine, err))
		}
	})
	// It has had its first turn when the second begins: a second after it.
	turns := h.audit.LeaseCalls()
	eventually(t, "it has looked twice", func() bool { return h.audit.LeaseCalls() >= turns+2 })
	if n := len(h.eventsOf(auth.EventLogout)); n != 1 {
		t.Errorf("%d events are left, want 1: another instance has the task", n)
	}
	h.clock.Advance(6 * time.Minute) // that one has died
	eventually(t, "it is done by this one", func() bool { return len(h.eventsOf(auth.EventLogout)) == 0 })
}

// What is left of a deleted account in the trail: that it was, and what was done.
func TestRetentionTakesAddressesOfDeletedAccounts(t *testing.T) {
	var events []auth.Event
	for i := range 70 { // more than a page of them
		id := fmt.Sprint("u", i)
		at := sessiontest.Start.Add(-time.Duration(i) * time.Hour)
		for j := range 3 {
			events = append(events, auth.Event{ID: fmt.Sprint(i, " ", j), Type: auth.EventLoginSucceeded, UserID: id, ActorID: id, IP: "192.0.2.1", UserAgent: "B", Detail: "d", RequestID: "r", At: at})
		}
		if i%2 == 0 {
			events = append(events, auth.Event{ID: fmt.Sprint(i, " gone"), Type: auth.EventAccountDeleted, UserID: id, ActorID: id, IP: "192.0.2.1", UserAgent: "B", At: at})
		}
	}
	h := open(t, keeping(auth.Retention{RedactDeleted: true}, events...))
	personal := func(deleted bool) (n int) {
		for _, e := range h.audit.Events() {
			var i int
			if _, err := fmt.Sscanf(e.UserID, "u%d", &i); err != nil {
				t.Fatal(err)
			}
			if (i%2 == 0) == deleted && e.IP+e.UserAgent != "" {
				n++
			}
		}
		return n
	}
	eventually(t, "no event of a deleted account has an address", func() bool { return personal(true) == 0 })
	if n := personal(false); n != 35*3 {
		t.Errorf("%d events of other accounts have one, want %d", n, 35*3)
	}
	if n := len(h.audit.Events()); n != len(events) {
		t.Errorf("%d events are left, want all %d", n, len(events))
	}
}

// What an administrator did to others has their address, too.
func TestRetentionTakesAddressesFromWhatADeletedAdministratorDid(t *testing.T) {
	at := sessiontest.Start.Add(-time.Hour)
	here := "198.51.100.9"
	act := func(id, actor string) auth.Event {
		return auth.Event{ID: id, Type: auth.EventUserDisabled, UserID: "other", ActorID: actor, IP: here, UserAgent: "B", At: at}
	}
	gone := func(user, detail string, at time.Time) auth.Event {
		return auth.Event{ID: "deletion of " + user, Type: auth.EventAccountDeleted, UserID: user, ActorID: user, Detail: detail, At: at}
	}
	// Whatever is deleted before the first round has all its acts looked at.
	h := open(t, keeping(auth.Retention{Keep: 48 * time.Hour, RedactDeleted: true}, act("1", "old"), act("2", "stays"), gone("old", "", at)))
	addresses := func() (ids []string) {
		for _, e := range h.audit.Events() {
			if e.IP+e.UserAgent != "" {
				ids = append(ids, e.ID)
			}
		}
		slices.Sort(ids)
		return ids
	}
	eventually(t, "the first round takes it out", func() bool { return slices.Equal(addresses(), []string{"2"}) })
	h.stop()

	// Later ones look at the whole trail for those that were administrators: these
	// acts are from long before.
	round := auth.RetentionRounds(h.Service)
	round(t.Context())
	now := h.clock.Advance(10 * time.Minute)
	made := auth.Event{ID: "made", Type: auth.EventRegistered, UserID: "made", ActorID: "operator", At: at.Add(-30 * time.Hour)}
	demoted := auth.Event{ID: "demoted", Type: auth.EventRoleChanged, UserID: "demoted", ActorID: "stays", At: at.Add(-30 * time.Hour)}
	for _, e := range []auth.Event{
		act("3", "boss"), act("4", "demoted"), act("5", "made"), made, demoted,
		gone("boss", "of an administrator", now), gone("demoted", "", now), gone("made", "", now),
	} {
		if e.Type == auth.EventUserDisabled {
			e.At = at.Add(-28 * time.Hour)
		}
		if err := h.audit.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	round(t.Context())
	if got := addresses(); !slices.Equal(got, []string{"2"}) {
		t.Errorf("%q have an address, want 2 alone", got)
	}
}

// An administrator's deletion says that it was one.
func TestDeletionSaysThatItWasAnAdministrators(t *testing.T) {
	h, c := arrived(t)
	admin := session.RoleAdmin
	other, err := h.CreateUser(t.Context(), session.Principal{UserID: "operator"}, auth.Registration{Email: "boss@example.com", Password: adaPassword, Name: "B"}, admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), session.Principal{UserID: other.ID}, c.UserID, &admin, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteAccount(t.Context(), h.who(h.signIn(false)), adaPassword); err != nil {
		t.Fatal(err)
	}
	if e := h.eventsOf(auth.EventAccountDeleted); len(e) != 1 || e[0].Detail != "of an administrator" {
		t.Errorf("%+v", e)
	}
}

// A clock a year ahead made the whole trail look old.
func TestRetentionDeletesNothingByAClockThatIsWrong(t *testing.T) {
	const year = 365 * 24 * time.Hour
	open := func(t *testing.T) (*harness, func()) {
		h := open(t, keeping(auth.Retention{Keep: 48 * time.Hour}, auth.Event{ID: "young", Type: auth.EventLogout, At: sessiontest.Start.Add(-time.Hour)}))
		h.stop()
		round := auth.RetentionRounds(h.Service)
		round(t.Context())
		return h, func() { round(t.Context()) }
	}
	left := func(h *harness) int { return len(h.eventsOf(auth.EventLogout)) }
	t.Run("the database's is another", func(t *testing.T) {
		h, round := open(t)
		theirs := h.clock.Now
		for _, off := range []time.Duration{year, -year, 6 * time.Minute} {
			ahead := h.clock.Now().Add(-off)
			h.audit.SetClock(func() time.Time { return ahead })
			if round(); left(h) != 1 {
				t.Fatalf("%s ahead of the database: it is gone", off)
			}
		}
		h.audit.SetClock(theirs)
		h.clock.Advance(50 * time.Minute)
		round()
		if left(h) != 1 {
			t.Error("it is not two days old and gone")
		}
	})
	t.Run("it jumps together with the database's", func(t *testing.T) {
		h, round := open(t)
		for _, wait := range []time.Duration{year, 10 * time.Minute, 50 * time.Minute} {
			if h.clock.Advance(wait); left(h) != 1 {
				t.Fatal("it is gone")
			}
			round()
		}
		h.clock.Set(sessiontest.Start.Add(time.Minute)) // mended
		round()
		if left(h) != 1 {
			t.Error("it is gone")
		}
	})
	t.Run("it is right after a day", func(t *testing.T) {
		h, round := open(t)
		h.clock.Advance(year)
		for range 26 {
			round()
			h.clock.Advance(55 * time.Minute)
		}
		if left(h) != 1 {
			t.Error("less than a day after the jump it is gone")
		}
		for range 3 {
			round()
			h.clock.Advance(55 * time.Minute)
		}
		if left(h) != 0 {
			t.Error("a day and more after the jump it is still there")
		}
	})
}

// The holder of the task was ahead by a year when it died.
func TestRetentionTakesNoLeaseByAClockThatIsWrong(t *testing.T) {
	h := open(t, keeping(auth.Retention{Keep: 48 * time.Hour}))
	h.stop()
	right := h.clock.Now()
	h.audit.SetClock(func() time.Time { return right })
	h.clock.Advance(365 * 24 * time.Hour)
	leases := h.audit.LeaseCalls()
	auth.RetentionRounds(h.Service)(t.Context())
	if n := h.audit.LeaseCalls() - leases; n != 0 {
		t.Errorf("it took the task %d times", n)
	}
}

func TestRetentionIsOffByDefault(t *testing.T) {
	old := auth.Event{ID: "old", Type: auth.EventAccountDeleted, UserID: "u", IP: "192.0.2.1", At: sessiontest.Start.Add(-10 * 365 * 24 * time.Hour)}
	h := open(t, keeping(auth.Retention{}, old))
	h.stop()
	if all := h.audit.Events(); len(all) != 1 || all[0].IP == "" || h.audit.LeaseCalls() != 0 {
		t.Errorf("%+v after %d turns", all, h.audit.LeaseCalls())
	}
}
