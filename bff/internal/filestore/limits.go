package filestore

import (
	"container/list"
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// mostLimits is how many keys of one kind are remembered, some 25 MB. The kinds
// are what each Allowance counts, and attempts.
//
// Attackers choose keys: an email is one, and a network as soon as they have
// many. So a kind is full one day, and then what was counted longest ago goes:
//
//   - To refuse new keys, or not to count them, would shut everybody out, or
//     let everybody guess, for as long as the attacker's keys are remembered.
//   - To drop the key with the fewest failures saves the victim's, but an
//     attacker who has once filled the table with keys of many failures has the
//     new ones push each other out: two requests a guess, for a day.
//   - This way each reset of a victim's key costs 100,000 counted events of
//     other keys, all of them after its last one. For sign-ins, those are
//     passwords hashed (what could not be hashed is undone, and its key goes):
//     seven hours of a processor. It buys five guesses, where four an hour are
//     allowed anyway.
//
// Kinds have space of their own, so that what is cheap to fill (one's own
// sessions' refreshes) pushes out nothing of another kind.
const mostLimits = 100_000

// Limits is auth.Limiter for one process. What it has counted goes with it. It
// is safe for concurrent use.
type Limits struct {
	now  func() time.Time
	most int // keys of a kind

	mu       sync.Mutex
	taken    map[session.Allowance]*recent[*rate.Limiter] // the code names them, no client does
	attempts recent[failures]
}

var _ auth.Limiter = (*Limits)(nil)

// failures are those of one key.
type failures struct {
	count        int
	last, before time.Time // of the last attempt and of the one before it
}

// NewLimits gives Limits that have counted nothing. now is required.
func NewLimits(now func() time.Time) *Limits {
	return limitsOf(now, mostLimits)
}

func limitsOf(now func() time.Time, most int) *Limits {
	return &Limits{
		now: now, most: most,
		taken:    map[session.Allowance]*recent[*rate.Limiter]{},
		attempts: recent[failures]{life: auth.AttemptsKept, most: most},
	}
}

// Take is auth.Limiter.Take.
func (l *Limits) Take(ctx context.Context, key string, a session.Allowance) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if a.Count < 1 || a.Per <= 0 {
		return max(a.Per, time.Second), nil // it allows nothing
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now() // in here, or a call that was overtaken would turn time back
	kind := l.taken[a]
	if kind == nil {
		kind = &recent[*rate.Limiter]{life: a.Per, most: l.most} // after which all is allowed again
		l.taken[a] = kind
	}
	k := digestOf(key)
	limiter, ok := kind.get(k, now)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(float64(a.Count)/a.Per.Seconds()), a.Count)
	}
	r := limiter.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, nil
	}
	kind.put(k, limiter, now)
	return 0, nil
}

// Attempt is auth.Limiter.Attempt.
func (l *Limits) Attempt(ctx context.Context, key string) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, k := l.now(), digestOf(key)
	f, ok := l.attempts.get(k, now)
	if !ok {
		f.last = now
	}
	if f.last.After(now) { // a clock that was put back must not make the wait any longer
		f.last = now
		l.attempts.put(k, f, now)
	}
	if delay := auth.AttemptDelay(f.count); delay > 0 {
		if wait := f.last.Add(delay).Sub(now); wait > 0 {
			return wait, nil
		}
	}
	l.attempts.put(k, failures{f.count + 1, now, f.last}, now)
	return 0, nil
}

// Undo is auth.Limiter.Undo.
func (l *Limits) Undo(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k := digestOf(key)
	f, ok := l.attempts.get(k, l.now())
	switch {
	case !ok:
	case f.count <= 1:
		l.attempts.drop(k)
	default:
		// The wait is over as if there had been no attempt. Which one came
		// before the one before is not known: a second Undo leaves it at that.
		l.attempts.put(k, failures{f.count - 1, f.before, f.before}, f.before)
	}
	return nil
}

// Forget is auth.Limiter.Forget.
func (l *Limits) Forget(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts.drop(digestOf(key))
	return nil
}

// digest stands for a key: no key is so long that it fills the memory.
type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// recent remembers a value of each key for life, and of the latest keys only
// when there are too many.
type recent[V any] struct {
	life  time.Duration
	most  int
	order list.List // of *dated[V], what was put first in front
	at    map[digest]*list.Element
}

type dated[V any] struct {
	key   digest
	at    time.Time
	value V
}

func (r *recent[V]) get(k digest, now time.Time) (value V, ok bool) {
	e := r.at[k]
	if e == nil {
		return value, false
	}
	if d := e.Value.(*dated[V]); now.Sub(d.at) < r.life {
		return d.value, true
	}
	r.drop(k)
	return value, false
}

// put remembers value as of at. What is over, or is too much, is in front: at
// most one key comes in, so one or two go out each time.
func (r *recent[V]) put(k digest, value V, at time.Time) {
	if e := r.at[k]; e != nil {
		*e.Value.(*dated[V]) = dated[V]{k, at, value}
		r.order.MoveToBack(e)
		return
	}
	for range 2 {
		if first := r.order.Front(); first != nil {
			if d := first.Value.(*dated[V]); len(r.at) >= r.most || at.Sub(d.at) >= r.life {
				r.drop(d.key)
			}
		}
	}
	if r.at == nil {
		r.at = map[digest]*list.Element{}
	}
	r.at[k] = r.order.PushBack(&dated[V]{k, at, value})
}

func (r *recent[V]) drop(k digest) {
	if e := r.at[k]; e != nil {
		r.order.Remove(e)
		delete(r.at, k)
	}
}
