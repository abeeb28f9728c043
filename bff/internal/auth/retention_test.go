package auth_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
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
		events = append(events, auth.Event{ID: fmt.Sprint(i), Type: auth.EventLogout, UserID: "u", At: authtest.Start.Add(-time.Duration(i) * time.Hour)})
	}
	h := open(t, keeping(auth.Retention{Keep: 48 * time.Hour}, events...))
	eventually(t, "what is older than two days is gone", func() bool { return len(h.eventsOf(auth.EventLogout)) == 49 })
	for _, e := range h.eventsOf(auth.EventLogout) {
		if e.At.Before(authtest.Start.Add(-48 * time.Hour)) {
			t.Errorf("%s is from %s", e.ID, e.At)
		}
	}
}

// Of several instances one does it.
func TestRetentionIsLeftToTheInstanceThatHasIt(t *testing.T) {
	old := auth.Event{ID: "old", Type: auth.EventLogout, At: authtest.Start.Add(-time.Hour)}
	var other auth.AuditKeeper
	h := open(t, keeping(auth.Retention{Keep: 20 * time.Second}, old), func(d *auth.Deps) {
		other = d.AuditKeeper
		if mine, err := other.Lease(context.Background(), "audit retention", "another", authtest.Start.Add(5*time.Minute)); err != nil || !mine {
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
		at := authtest.Start.Add(-time.Duration(i) * time.Hour)
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

func TestNothingIsShortenedUnasked(t *testing.T) {
	old := auth.Event{ID: "old", Type: auth.EventAccountDeleted, UserID: "u", IP: "192.0.2.1", At: authtest.Start.Add(-10 * 365 * 24 * time.Hour)}
	h := open(t, keeping(auth.Retention{}, old))
	h.stop()
	if all := h.audit.Events(); len(all) != 1 || all[0].IP == "" || h.audit.LeaseCalls() != 0 {
		t.Errorf("%+v after %d turns", all, h.audit.LeaseCalls())
	}
}
