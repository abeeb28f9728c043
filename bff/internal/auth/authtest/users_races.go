package authtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func testSignUpRace(t *testing.T, users auth.Users) {
	const racers = 32
	key := "race@example.com"
	all := make([]auth.User, racers)
	errs := make([]error, racers)
	var run errgroup.Group
	for i := range racers {
		all[i] = person()
		all[i].Email.Key = key
		run.Go(func() error {
			errs[i] = users.Create(t.Context(), all[i], registration(all[i]))
			return nil
		})
	}
	must(t, run.Wait())

	winners := 0
	for i, err := range errs {
		switch {
		case err == nil:
			winners++
			known(t, users, all[i])
		case errors.Is(err, auth.ErrEmailTaken):
			unknown(t, users, all[i].ID, "nobody")
		default:
			t.Errorf("racer %d: %v, want ErrEmailTaken", i, err)
		}
	}
	if winners != 1 {
		t.Errorf("%d accounts were made, want 1", winners)
	}
}

func testChangeIfHashRace(t *testing.T, users auth.Users) {
	const racers = 16
	u := person()
	create(t, users, u)
	errs := make([]error, racers)
	got := make([]auth.User, racers)
	var run errgroup.Group
	for i := range racers {
		run.Go(func() error {
			hash := fmt.Sprintf("$2a$12$%d", i)
			got[i], errs[i] = users.Change(t.Context(), u.ID, auth.UserChange{PasswordHash: &hash, IfHash: u.PasswordHash}, about(u))
			return nil
		})
	}
	must(t, run.Wait())
	winners := 0
	for i, err := range errs {
		switch {
		case err == nil:
			winners++
			known(t, users, got[i])
		case !errors.Is(err, auth.ErrHashChanged):
			t.Errorf("racer %d: %v, want ErrHashChanged", i, err)
		}
	}
	if winners != 1 {
		t.Errorf("%d changes were made, want 1", winners)
	}
}

// removals are the ways in which an active administrator stops being one.
func removals(users auth.Users) map[string]func(ctx context.Context, u auth.User) error {
	return map[string]func(ctx context.Context, u auth.User) error{
		"demote": func(ctx context.Context, u auth.User) error {
			_, err := users.Change(ctx, u.ID, auth.UserChange{Role: new(session.RoleUser)}, about(u))
			return err
		},
		"disable": func(ctx context.Context, u auth.User) error {
			_, err := users.Change(ctx, u.ID, auth.UserChange{Active: new(false)}, about(u))
			return err
		},
		"demote, disable and rename": func(ctx context.Context, u auth.User) error {
			c := auth.UserChange{Role: new(session.RoleUser), Active: new(false), Name: new("Gone")}
			_, err := users.Change(ctx, u.ID, c, about(u), about(u))
			return err
		},
		"delete": func(ctx context.Context, u auth.User) error {
			return users.Delete(ctx, u.ID, about(u), pendingSync(u.ID))
		},
	}
}

// activeAdmins reads all accounts and gives the active administrators.
func activeAdmins(t *testing.T, users auth.Users) (admins []auth.User) {
	t.Helper()
	all, _, err := users.List(t.Context(), auth.UserQuery{Limit: 1000})
	must(t, err)
	for _, u := range all {
		if u.Active && u.Role == session.RoleAdmin {
			admins = append(admins, u)
		}
	}
	return admins
}

// Each of two who demoted the other at one moment used to see an administrator
// left, and nobody was.
func testLastAdminRace(t *testing.T, users auth.Users) {
	const racers = 20
	for name, remove := range removals(users) {
		raceForLast(t, users, name, racers, func(int) func(context.Context, auth.User) error { return remove })
	}
	var all []func(context.Context, auth.User) error
	for _, remove := range removals(users) {
		all = append(all, remove)
	}
	for _, admins := range []int{2, 3, 5, racers} {
		raceForLast(t, users, "each another way", admins, func(i int) func(context.Context, auth.User) error {
			return all[(i/admins+i)%len(all)]
		})
	}
}

// raceForLast lets twenty take n administrators away at once.
func raceForLast(t *testing.T, users auth.Users, name string, n int, way func(racer int) func(context.Context, auth.User) error) {
	t.Helper()
	// Who is left from the race before is one of them.
	admins := activeAdmins(t, users)
	for len(admins) < n {
		u := person()
		u.Role = session.RoleAdmin
		create(t, users, u)
		admins = append(admins, u)
	}
	start := make(chan struct{})
	var run errgroup.Group
	for i := range 20 {
		run.Go(func() error {
			<-start
			err := way(i)(t.Context(), admins[i%n])
			if err == nil || errors.Is(err, auth.ErrLastAdmin) || errors.Is(err, auth.ErrNoUser) {
				return nil
			}
			return err
		})
	}
	close(start)
	if err := run.Wait(); err != nil {
		t.Errorf("%s, %d administrators: %v", name, n, err)
	}
	if left := activeAdmins(t, users); len(left) != 1 {
		t.Fatalf("%s, %d administrators: %d are left, want 1", name, n, len(left))
	}
}

// Removals meet promotions and all that does not concern administrators: none
// deadlocks.
func testAdminsComeAndGo(t *testing.T, users auth.Users) {
	const people = 6
	var all []auth.User
	for i := range people {
		u := person()
		u.CreatedAt = sessiontest.Start.Add(time.Duration(i) * time.Second)
		if i < people/2 {
			u.Role = session.RoleAdmin
		}
		create(t, users, u)
		all = append(all, u)
	}
	changes := []auth.UserChange{
		{Role: new(session.RoleUser)}, {Role: new(session.RoleAdmin)}, {Active: new(false)}, {Active: new(true)},
		{Name: new("Renamed")}, {Role: new(session.RoleAdmin), Active: new(true)}, {Name: new("Down"), Role: new(session.RoleUser), Active: new(true)},
	}
	var run errgroup.Group
	for i := range 20 {
		run.Go(func() error {
			for j := range 8 {
				u := all[(i*5+j)%people]
				_, err := users.Change(t.Context(), u.ID, changes[(i+j)%len(changes)], about(u))
				if err != nil && !errors.Is(err, auth.ErrLastAdmin) {
					return err
				}
			}
			return nil
		})
	}
	must(t, run.Wait())
	if len(activeAdmins(t, users)) == 0 {
		t.Error("no active administrator is left")
	}
}

func testUsersCancelled(t *testing.T, users auth.Users) {
	u, late := person(), person()
	create(t, users, u)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, byID := users.ByID(cancelled, u.ID)
	_, byEmail := users.ByEmail(cancelled, u.Email.Key)
	_, change := users.Change(cancelled, u.ID, auth.UserChange{Name: new("late")}, about(u))
	_, _, list := users.List(cancelled, auth.UserQuery{Limit: 1})
	for op, err := range map[string]error{
		"Create":          users.Create(cancelled, late, registration(late)),
		"ByID":            byID,
		"Change":          change,
		"Delete":          users.Delete(cancelled, u.ID, about(u), pendingSync(u.ID)),
		"List":            list,
		"ByEmail":         byEmail,
		"SetPasswordHash": users.SetPasswordHash(cancelled, u.ID, u.PasswordHash, "$2a$12$next"),
	} {
		if !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want ErrDatabase and context.Canceled", op, err)
		}
	}
	known(t, users, u)
	unknown(t, users, late.ID, late.Email.Key)
}
