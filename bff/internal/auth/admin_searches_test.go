package auth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// A search that has used up its time gave 503; it gives what it has found.
func TestSearchGoesOnWhereItsTimeWasOver(t *testing.T) {
	h := open(t)
	boss := h.with("boss@example.com", session.RoleAdmin)
	for i := range 10 {
		h.with(fmt.Sprintf("u%d@example.com", i), session.RoleUser)
	}
	h.users.SearchAtMost(4)
	var found []string
	pages := 0
	for after := (auth.Position{}); ; pages++ {
		list, next, err := h.Users(t.Context(), boss.Principal, "EXAMPLE", after)
		if err != nil || pages > 10 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, u := range list {
			found = append(found, u.Email.Address)
		}
		if after = next; after == (auth.Position{}) {
			break
		}
	}
	if len(found) != 11 || pages != 2 {
		t.Errorf("%d pages found %q, want 11 accounts on 3 pages", pages+1, found)
	}
}

// 24 searches of one session ran side by side and a sign-in took six times as long.
func TestSecondSearchOfASessionIsRefusedWhileTheFirstRuns(t *testing.T) {
	h := open(t)
	boss, other := h.with("boss@example.com", session.RoleAdmin), h.with("other@example.com", session.RoleAdmin)
	began, end := make(chan struct{}), make(chan struct{})
	h.users.OnSearch(func() { began <- struct{}{}; <-end })
	var run errgroup.Group
	search := func(who session.Principal) {
		run.Go(func() error {
			_, _, err := h.Users(context.WithoutCancel(t.Context()), who, "x", auth.Position{})
			return err
		})
		<-began
	}
	search(boss.Principal)
	h.users.OnSearch(nil)
	_, _, err := h.Users(t.Context(), boss.Principal, "x", auth.Position{})
	refused := new(refusal.Error)
	if !errors.As(err, &refused) || refused.Code != refusal.TooManyAttempts || refused.RetryAfter == 0 {
		t.Errorf("a second search: %v, want too_many_attempts and when to try again", err)
	}
	// The list is no search, another session is another one, and the operator has none.
	for name, ask := range map[string]struct {
		who  session.Principal
		text string
	}{"the list": {boss.Principal, " "}, "another session": {other.Principal, "x"}, "the operator": {session.Principal{UserID: "operator"}, "x"}} {
		if _, _, err := h.Users(t.Context(), ask.who, ask.text, auth.Position{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	close(end)
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
	if _, _, err := h.Users(t.Context(), boss.Principal, "x", auth.Position{}); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
}
