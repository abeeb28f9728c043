package password_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

// One address with device cookies filled the queue: all others were told busy,
// or waited for all of it.
func TestHalfOfTheQueueIsTheMostForOneAccountOrNetwork(t *testing.T) {
	t.Parallel()
	for name, party := range map[string]func(n int) password.Party{
		"one account from everywhere": func(n int) password.Party {
			return password.Party{Account: "ada@example.com", Network: fmt.Sprint("198.51.100.", n)}
		},
		"one network, every account": func(n int) password.Party {
			return password.Party{Account: fmt.Sprintf("u%d@example.com", n), Network: "192.0.2.1"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const concurrent, waiting = 2, 8
				h, err := password.NewHasher(quick, concurrent, waiting)
				if err != nil {
					t.Fatal(err)
				}
				var release []func()
				for n := range concurrent {
					r, err := h.Occupy(t.Context(), party(n))
					if err != nil {
						t.Fatal(err)
					}
					release = append(release, r)
				}
				later := func(ctx context.Context, who password.Party) <-chan error {
					got := make(chan error, 1)
					go func() { _, err := h.Hash(ctx, who, "correct horse battery"); got <- err }()
					synctest.Wait()
					return got
				}
				impatient, giveUp := context.WithCancel(t.Context())
				var all []<-chan error
				left := later(impatient, party(2))
				for n := 3; n < 5; n++ {
					all = append(all, later(t.Context(), party(n)))
				}
				// Five of ten are in; the sixth is one too many, whatever it wants.
				_, err = h.Hash(t.Context(), party(5), "correct horse battery")
				_, _, err2 := h.Verify(t.Context(), party(5), "", "correct horse battery")
				_, err3 := h.Judge(t.Context(), party(5), "correct horse battery", "ada")
				for _, err := range []error{err, err2, err3} {
					if !errors.Is(err, password.ErrBusy) {
						t.Errorf("the sixth: %v, want ErrBusy", err)
					}
				}
				// The other half is for the others.
				for n := range 4 {
					all = append(all, later(t.Context(), password.Party{Account: fmt.Sprint("other", n), Network: fmt.Sprint("203.0.113.", n)}))
				}
				all = append(all, later(t.Context(), password.Party{})) // an operator's
				if _, err := h.Hash(t.Context(), password.Party{Account: "last", Network: "last"}, "correct horse battery"); !errors.Is(err, password.ErrBusy) {
					t.Errorf("the eleventh: %v, want ErrBusy", err)
				}
				// A caller that leaves frees the place.
				giveUp()
				if err := <-left; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				all = append(all, later(t.Context(), party(6)))
				for _, r := range release {
					r()
				}
				for n, got := range all {
					if err := <-got; err != nil {
						t.Errorf("caller %d: %v", n, err)
					}
				}
				synctest.Wait()
				if n := h.Counted(); n != 0 {
					t.Errorf("%d accounts and networks are remembered of an empty queue", n)
				}
			})
		})
	}
}
