package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// worker changes sessions that are its own, and knows what was confirmed.
type worker struct {
	user   string
	random *rand.Rand
	made   int
	ends   []string

	mu    sync.Mutex
	fates map[string]fate
}

// fate is how far a session is: what was confirmed, and what was asked for.
// Stage 0 is before it is there, then come its versions, then its end.
type fate struct{ least, most uint64 }

const stageOver = 1 << 62

func (w *worker) set(id string, f fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fates[id] = f
}

func (w *worker) known() map[string]fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.fates)
}

// act makes one session and changes or ends each that there is.
func (w *worker) act(ctx context.Context, s *filestore.Store) error {
	w.made++
	id := fmt.Sprintf("s%d", w.made)
	w.set(id, fate{0, 1})
	if _, err := s.Create(ctx, plain(w.user, id, time.Now())); err != nil {
		return err
	}
	w.set(id, fate{1, 1})
	for id, f := range w.known() {
		if f.least == stageOver {
			continue
		}
		if w.random.IntN(4) == 0 {
			w.set(id, fate{f.least, stageOver})
			if err := s.End(ctx, session.Revocation{UserID: w.user, SessionID: id, Reason: session.ReasonSignOut, At: time.Now()}); err != nil {
				return err
			}
			w.ends = append(w.ends, id)
			w.set(id, fate{stageOver, stageOver})
			continue
		}
		x, err := s.Get(ctx, w.user, id)
		if err != nil {
			return fmt.Errorf("%s of %s, at %d: %w", id, w.user, f.least, err)
		}
		w.set(id, fate{f.least, f.least + 1})
		if err := s.Swap(ctx, x, x); err != nil {
			return err
		}
		w.set(id, fate{f.least + 1, f.least + 1})
	}
	return nil
}

// check complains about a store that has less than what was confirmed before,
// or more than what was asked for after.
func (w *worker) check(t *testing.T, s *filestore.Store, before, after map[string]fate) {
	t.Helper()
	for id, f := range after {
		least, most := before[id].least, f.most
		x, err := s.Get(t.Context(), w.user, id)
		switch gone := errors.Is(err, session.ErrNoSession); {
		case err != nil && !gone:
			t.Error(err)
		case gone && least > 0 && most < stageOver:
			t.Errorf("%s of %s is lost; it was at %d, then %d", id, w.user, least, most)
		case !gone && (x.Version+1 < least || x.Version+1 > most):
			t.Errorf("%s of %s is at %d; it was at %d, then %d", id, w.user, x.Version+1, least, most)
		}
	}
}

// Calls go on during compactions, one after the other, and kills in between
// find all that was confirmed by then.
func TestCallsDuringCompactions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filestore.Config{Dir: dir, Now: time.Now})
	crowd(t, s, 700)
	var workers []*worker
	var all sync.WaitGroup
	turns, ended := make(chan struct{}, 9), make(chan struct{})
	for i := range 3 {
		w := &worker{user: fmt.Sprintf("u%d", i), fates: map[string]fate{}, random: rand.New(rand.NewPCG(7, uint64(i)))}
		workers = append(workers, w)
		all.Go(func() {
			for {
				select {
				case <-turns:
				case <-ended:
					return
				}
				if err := w.act(t.Context(), s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	look := func() {
		t.Helper()
		var before []map[string]fate
		for _, w := range workers {
			before = append(before, w.known())
			select {
			case turns <- struct{}{}:
			default:
			}
		}
		image := killedNow(t, dir)
		defer image.Close()
		for i, w := range workers {
			w.check(t, image, before[i], w.known())
		}
	}
	s.OnStep(func(step string) {
		if !strings.Contains(step, "calls wait") {
			look()
		}
	})
	for range 4 {
		if err := s.Compact(); err != nil {
			t.Error(err)
		}
		look()
	}
	close(ended)
	all.Wait()
	s.Settle()
	for _, w := range workers { // exactly: nothing happens any more
		image := killedNow(t, dir)
		w.check(t, image, w.known(), w.known())
		if err := image.Close(); err != nil {
			t.Error(err)
		}
	}

	image := killedNow(t, dir)
	defer image.Close()
	heard := map[string][]string{}
	for _, r := range told(t, image) {
		heard[r.UserID] = append(heard[r.UserID], r.SessionID)
	}
	for _, w := range workers {
		if !slices.Equal(heard[w.user], w.ends) {
			t.Errorf("%s: revocations of %v, want %v, in this order", w.user, heard[w.user], w.ends)
		}
	}
}
