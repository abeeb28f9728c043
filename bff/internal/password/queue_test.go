package password_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

// answer is what a caller in a goroutine of its own got.
type answer struct {
	stored string
	err    error
}

func hashLater(ctx context.Context, h *password.Hasher) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		stored, err := h.Hash(ctx, password.Party{}, "correct horse battery")
		got <- answer{stored, err}
	}()
	return got
}

// stillWaiting lets every goroutine go as far as it can.
func stillWaiting(t *testing.T, who string, got <-chan answer) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-got:
		t.Fatalf("%s did not wait: %v", who, a.err)
	default:
	}
}

func full(t *testing.T, concurrent, waiting int) (h *password.Hasher, release []func()) {
	t.Helper()
	h, err := password.NewHasher(quick, concurrent, waiting)
	if err != nil {
		t.Fatal(err)
	}
	for range concurrent {
		r, err := h.Occupy(t.Context(), password.Party{})
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, r)
	}
	return h, release
}

func TestNoMoreThanTheConfiguredHashesRunAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, release := full(t, 2, 5)
		first, second := hashLater(t.Context(), h), hashLater(t.Context(), h)
		stillWaiting(t, "the third", first)
		stillWaiting(t, "the fourth", second)
		release[0]()
		// One place serves one after the other.
		if a, b := <-first, <-second; a.err != nil || b.err != nil {
			t.Error(a.err, b.err)
		}
		release[1]()
	})
}

func TestFullQueueIsBusyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, release := full(t, 1, 2)
		first, second := hashLater(t.Context(), h), hashLater(t.Context(), h)
		stillWaiting(t, "the first in the queue", first)
		stillWaiting(t, "the second in the queue", second)

		before := time.Now()
		if _, err := h.Hash(t.Context(), password.Party{}, "correct horse battery"); !errors.Is(err, password.ErrBusy) {
			t.Errorf("Hash: %v, want ErrBusy", err)
		}
		if ok, rehash, err := h.Verify(t.Context(), password.Party{}, "", "correct horse battery"); ok || rehash || !errors.Is(err, password.ErrBusy) {
			t.Errorf("Verify: %v %v %v, want ErrBusy", ok, rehash, err)
		}
		if waited := time.Since(before); waited != 0 { // the bubble's clock
			t.Errorf("busy took %s", waited)
		}
		release[0]()
		if a, b := <-first, <-second; a.err != nil || b.err != nil {
			t.Error(a.err, b.err)
		}
		// The queue is empty again.
		if a := <-hashLater(t.Context(), h); a.err != nil {
			t.Error(a.err)
		}
	})
}

func TestNoWaitingAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, release := full(t, 2, 0)
		if a := <-hashLater(t.Context(), h); !errors.Is(a.err, password.ErrBusy) {
			t.Errorf("%v, want ErrBusy", a.err)
		}
		release[0]()
		if a := <-hashLater(t.Context(), h); a.err != nil {
			t.Error(a.err)
		}
		release[1]()
	})
}

// Somebody who gives up must not hold a place: sign-in would end for all
// after a few impatient clients.
func TestWhoGivesUpFreesThePlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, release := full(t, 1, 1)
		for range 10 {
			ctx, giveUp := context.WithCancel(t.Context())
			impatient := hashLater(ctx, h)
			stillWaiting(t, "the impatient one", impatient)
			giveUp()
			if a := <-impatient; !errors.Is(a.err, context.Canceled) || errors.Is(a.err, password.ErrBusy) {
				t.Fatalf("%v, want context.Canceled", a.err)
			}
		}
		patient := hashLater(t.Context(), h)
		stillWaiting(t, "the patient one", patient)
		release[0]()
		if a := <-patient; a.err != nil {
			t.Error(a.err)
		}
	})
}

func TestAnErrorFreesThePlaceToo(t *testing.T) {
	t.Parallel()
	h, err := password.NewHasher(quick, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, _, err := h.Verify(t.Context(), password.Party{}, "damaged", "correct horse battery"); err == nil || errors.Is(err, password.ErrBusy) {
			t.Fatalf("%v, want an error about the hash", err)
		}
	}
	if _, err := h.Hash(t.Context(), password.Party{}, "correct horse battery"); err != nil {
		t.Error(err)
	}
}

func TestDeadlineWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, release := full(t, 1, 1)
		defer release[0]()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := h.Verify(ctx, password.Party{}, "", "correct horse battery"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want DeadlineExceeded", err)
		}
	})
}
