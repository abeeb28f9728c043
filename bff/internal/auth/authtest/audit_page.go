package authtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func pageOf(t *testing.T, trail Trail, q auth.EventQuery) []auth.Event {
	t.Helper()
	got, err := trail.Page(t.Context(), q)
	must(t, err)
	return got
}

func placeOf(e auth.Event) auth.Position { return auth.Position{At: e.At, ID: e.ID} }

func testPageFilters(t *testing.T, _ auth.Users, trail Trail) {
	if got := pageOf(t, trail, auth.EventQuery{Limit: 10}); len(got) != 0 {
		t.Errorf("an empty trail has %+v", got)
	}
	people := []string{"ADA", "ada", "ADA ", "ÁDA", ""}
	types := []auth.EventType{
		auth.EventPasswordChanged, auth.EventProfileChanged, auth.EventRoleChanged,
		auth.EventUserDisabled, auth.EventUserEnabled, auth.EventAccountDeleted,
	}
	var all []auth.Event
	for i := range 120 {
		e := event()
		e.UserID, e.Type = people[i%len(people)], types[i%len(types)]
		e.ID = fmt.Sprintf("%c%d", "aAbB_0"[i/4%6], i)
		e.At = sessiontest.Start.Add(-time.Duration(i/7) * time.Millisecond) // seven in a millisecond
		all = append(all, e)
	}
	must(t, trail.Append(t.Context(), all...))
	slices.SortFunc(all, func(a, b auth.Event) int { return newestFirst(placeOf(a), placeOf(b)) })

	for _, user := range append(people, "Ada", "AD", "ADA%", "%", "'", "\xff", "\x00", strings.Repeat("x", 10_000)) {
		for _, kind := range append(types, "", "PASSWORD_CHANGED", "role_changed ", "%", "\xff") {
			var want []auth.Event
			for _, e := range all {
				if (user == "" || e.UserID == user) && (kind == "" || e.Type == kind) {
					want = append(want, e)
				}
			}
			// Turning pages gives the same as asking for all, whatever their size.
			for _, limit := range []int{1, 4, len(want), 1000} {
				var got []auth.Event
				for q := (auth.EventQuery{UserID: user, Type: kind, Limit: max(limit, 1)}); ; {
					page := pageOf(t, trail, q)
					if len(page) > q.Limit || len(got) > len(want) {
						t.Fatalf("%d events on a page of %d", len(page), q.Limit)
					}
					got = append(got, page...)
					if len(page) < q.Limit {
						break
					}
					q.After = placeOf(page[len(page)-1])
				}
				same(t, fmt.Sprintf("%.10q %q by %d", user, kind, limit), got, want)
				if limit == 1 && len(want) > 10 {
					break // each event a question: once is enough
				}
			}
		}
	}
	for _, limit := range []int{0, -1} {
		if got := pageOf(t, trail, auth.EventQuery{Limit: limit}); len(got) > 1 {
			t.Errorf("a limit of %d gives %d events", limit, len(got))
		}
	}
	for _, id := range []string{"\xff", "'", "\x00", strings.Repeat("x", 10_000)} {
		pageOf(t, trail, auth.EventQuery{After: auth.Position{At: sessiontest.Start, ID: id}, Limit: 3})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := trail.Page(cancelled, auth.EventQuery{Limit: 1}); !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, context.Canceled) {
		t.Errorf("Page: %v, want ErrDatabase and context.Canceled", err)
	}
}

func testPageWhileWritten(t *testing.T, _ auth.Users, trail Trail) {
	there := map[string]bool{} // seen
	for i := range 30 {
		e := event()
		e.At = sessiontest.Start.Add(time.Duration(i/6) * time.Millisecond)
		must(t, trail.Append(t.Context(), e))
		there[e.ID] = false
	}
	last := auth.Position{}
	for pages := 0; ; pages++ {
		got := pageOf(t, trail, auth.EventQuery{After: last, Limit: 4})
		if len(got) == 0 {
			break
		}
		for _, e := range got {
			if last != (auth.Position{}) && newestFirst(last, placeOf(e)) >= 0 {
				t.Fatalf("page %d: %v comes after %v", pages, placeOf(e), last)
			}
			last = placeOf(e)
			if _, ok := there[e.ID]; ok {
				there[e.ID] = true
			}
		}
		if pages > 8 {
			continue
		}
		late := event() // a log line that took its time
		late.At = last.At
		newer := event()
		newer.At = sessiontest.Start.Add(time.Minute)
		must(t, trail.Append(t.Context(), late, newer))
	}
	for id, seen := range there {
		if !seen {
			t.Errorf("no page had %s", id)
		}
	}
}

// An account and what is said about it change together or not at all.
func testChangeTogether(t *testing.T, users auth.Users, trail Trail) {
	admin, u := person(), person()
	admin.Role = session.RoleAdmin
	stored := []auth.Event{registration(admin), registration(u)}
	must(t, users.Create(t.Context(), admin, stored[0]))
	must(t, users.Create(t.Context(), u, stored[1]))

	role, name := about(u), about(u)
	role.Type = auth.EventRoleChanged
	u.Name, u.Role = "New", session.RoleAdmin
	got, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("New"), Role: new(session.RoleAdmin)}, role, name)
	must(t, err)
	same(t, "change", got, u)
	stored = append(stored, role, name)
	holds(t, trail, stored...)

	// No event: no change.
	twice, nameless, long := about(u), about(u), about(u)
	nameless.ID, long.ID = "", strings.Repeat("x", 65)
	for what, events := range map[string][]auth.Event{
		"a used ID":          {role},
		"a used ID at last":  {about(u), role},
		"a used ID at first": {role, about(u)},
		"one ID twice":       {twice, twice},
		"no ID":              {about(u), nameless},
		"a long ID":          {long},
	} {
		c := auth.UserChange{Name: new("Never"), Role: new(session.RoleUser), Active: new(false), PasswordHash: new("$never")}
		if got, err := users.Change(t.Context(), u.ID, c, events...); !errors.Is(err, auth.ErrDatabase) || got != (auth.User{}) {
			t.Errorf("change, %s: %+v, %v; want ErrDatabase", what, got, err)
		}
		known(t, users, u)
		holds(t, trail, stored...)
	}
	for what, e := range map[string]auth.Event{"a used ID": role, "no ID": nameless, "a long ID": long} {
		if err := users.Delete(t.Context(), u.ID, e, pendingSync(u.ID)); !errors.Is(err, auth.ErrDatabase) {
			t.Errorf("delete, %s: %v, want ErrDatabase", what, err)
		}
		known(t, users, u)
		holds(t, trail, stored...)
	}

	// No change: no event.
	refused := map[string]error{"no user to delete": users.Delete(t.Context(), rand.Text(), about(u), pendingSync(rand.Text()))}
	_, refused["ErrHashChanged"] = users.Change(t.Context(), u.ID, auth.UserChange{Name: new("x"), IfHash: "x"}, about(u))
	_, refused["ErrNoUser"] = users.Change(t.Context(), rand.Text(), auth.UserChange{Name: new("x")}, about(u))
	_, refused["too long"] = users.Change(t.Context(), u.ID, auth.UserChange{Name: new(strings.Repeat("x", 101))}, about(u))
	for what, err := range refused {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	holds(t, trail, stored...)

	gone := about(admin)
	gone.Type = auth.EventAccountDeleted
	must(t, users.Delete(t.Context(), admin.ID, gone, pendingSync(admin.ID)))
	stored = append(stored, gone)
	holds(t, trail, stored...) // what is said about it stays

	if err := users.Delete(t.Context(), u.ID, about(u), pendingSync(u.ID)); !errors.Is(err, auth.ErrLastAdmin) {
		t.Errorf("delete the last administrator: %v, want ErrLastAdmin", err)
	}
	if _, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("x"), Active: new(false)}, about(u)); !errors.Is(err, auth.ErrLastAdmin) {
		t.Errorf("disable the last administrator: %v, want ErrLastAdmin", err)
	}
	known(t, users, u)
	holds(t, trail, stored...)
}
