package authtest

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// longAgo is a time that no test of a store comes near.
var longAgo = time.Date(2001, 2, 3, 4, 5, 6, 789e6, time.UTC)

// pendingSync is one for a change of an account.
func pendingSync(userID string) auth.PendingSync {
	return auth.PendingSync{ID: rand.Text(), UserID: userID, At: longAgo}
}

// own are the pending syncs of some users: others test beside us.
func own(t *testing.T, users auth.Users, until time.Time, ids ...string) (list []auth.PendingSync) {
	t.Helper()
	all, err := users.PendingSyncs(t.Context(), until, 10_000)
	must(t, err)
	for _, x := range all {
		for _, id := range ids {
			if x.UserID == id {
				list = append(list, x)
			}
		}
	}
	return list
}

// A pending sync is stored with its change or not at all, and stays until it is
// said to be done.
func testOutbox(t *testing.T, users auth.Users) {
	u, other := person(), person()
	must(t, users.Create(t.Context(), u, about(u)))
	must(t, users.Create(t.Context(), other, about(other)))
	first := auth.PendingSync{ID: rand.Text(), UserID: u.ID, ActorID: "boss", At: longAgo, EndOlder: true, KeepSession: "s1"}
	second := auth.PendingSync{ID: rand.Text(), UserID: u.ID, At: longAgo.Add(time.Millisecond)}
	gone := auth.PendingSync{ID: rand.Text(), UserID: other.ID, At: longAgo.Add(2 * time.Millisecond)}

	if _, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("x"), IfHash: "another", Sync: &first}, about(u)); err == nil {
		t.Error("a change that its condition refuses")
	}
	if _, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("x"), IfRole: new(session.RoleAdmin), Sync: &first}, about(u)); !errors.Is(err, auth.ErrUserChanged) {
		t.Errorf("another role: %v", err)
	}
	if _, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("x"), IfActive: new(false), Sync: &first}, about(u)); !errors.Is(err, auth.ErrUserChanged) {
		t.Errorf("active: %v", err)
	}
	if list := own(t, users, longAgo.Add(time.Hour), u.ID, other.ID); len(list) != 0 {
		t.Fatalf("nothing was changed, and to be settled: %+v", list)
	}
	for _, x := range []auth.PendingSync{second, first} {
		if _, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("x"), IfRole: new(session.RoleUser), IfActive: new(true), Sync: &x}, about(u)); err != nil {
			t.Fatal(err)
		}
	}
	must(t, users.Delete(t.Context(), other.ID, about(other), gone))
	if diff := cmp.Diff([]auth.PendingSync{first, second, gone}, own(t, users, gone.At, u.ID, other.ID)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]auth.PendingSync{first}, own(t, users, first.At, u.ID, other.ID)); diff != "" {
		t.Error("until then: " + diff)
	}
	must(t, users.SyncsDone(t.Context(), first, gone))
	must(t, users.SyncsDone(t.Context(), first)) // twice is fine
	if diff := cmp.Diff([]auth.PendingSync{second}, own(t, users, gone.At, u.ID, other.ID)); diff != "" {
		t.Error(diff)
	}
}
