package password_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

func TestHasherTellsItsObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, err := password.NewHasher(quick, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		refused, begun, ended, judged := 0, 0, 0, 0
		h.Observe(password.Observer{
			Refused: func() { refused++ },
			Begins:  func() func() { begun++; return func() { ended++ } },
			Judges:  func() { judged++ },
		})
		want := func(when string, running, waiting, nowRefused, nowBegun, nowEnded int) {
			t.Helper()
			if h.Running() != running || h.Waiting() != waiting || refused != nowRefused || begun != nowBegun || ended != nowEnded {
				t.Errorf("%s: %d running, %d waiting, %d refused, %d begun, %d ended", when, h.Running(), h.Waiting(), refused, begun, ended)
			}
		}
		want("at rest", 0, 0, 0, 0, 0)
		release, err := h.Occupy(t.Context(), password.Party{})
		if err != nil {
			t.Fatal(err)
		}
		want("one", 1, 0, 0, 1, 0)
		later := hashLater(t.Context(), h)
		stillWaiting(t, "the second", later)
		want("two", 1, 1, 0, 1, 0)
		if _, err := h.Hash(t.Context(), password.Party{}, "correct horse battery"); !errors.Is(err, password.ErrBusy) {
			t.Error(err)
		}
		want("three", 1, 1, 1, 1, 0)
		release()
		if a := <-later; a.err != nil {
			t.Error(a.err)
		}
		synctest.Wait()
		want("all done", 0, 0, 1, 2, 2)
		if _, err := h.Judge(t.Context(), password.Party{}, "a harbour at dawn", "ada"); err != nil {
			t.Error(err)
		}
		want("a judged password is not a hash", 0, 0, 1, 2, 2)
		if judged != 1 {
			t.Errorf("%d passwords judged, want 1", judged)
		}
	})
}
