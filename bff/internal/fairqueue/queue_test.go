package fairqueue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type entry struct{ account, text string }

func accountOf(e entry) string { return e.account }

// One account's flood pushed the others' entries out of a full queue.
func TestFloodPushesOutItsOwnEntriesOnly(t *testing.T) {
	t.Parallel()
	const most = 100
	q := New(most, accountOf)
	var lost []entry
	push := func(account, text string) {
		if dropped, full := q.Push(entry{account, text}); full {
			lost = append(lost, dropped)
		}
	}
	for n := range most {
		push("flood", fmt.Sprint(n))
	}
	for n := range 40 { // others come when it is full
		push(fmt.Sprint("other", n%4), fmt.Sprint(n))
		push("flood", fmt.Sprint("more ", n))
	}
	if n := len(lost); n != 80 {
		t.Errorf("%d were dropped, want 80", n)
	}
	for _, e := range lost {
		if e.account != "flood" {
			t.Errorf("dropped: %+v", e)
		}
	}
	var kept []string
	for next := q.Pop(7); len(next) > 0; next = q.Pop(7) {
		for _, e := range next {
			if kept = append(kept, e.text); strings.HasPrefix(e.text, "more") {
				t.Errorf("the flood's newest is kept: %+v", e)
			}
		}
	}
	if len(kept) != most || !slices.Equal(kept[:3], []string{"0", "1", "2"}) || !slices.Equal(kept[most-2:], []string{"38", "39"}) {
		t.Errorf("%d kept, not in their order: %v", len(kept), kept)
	}
}

// Many accounts with one entry each: what comes last is what goes.
func TestFullQueueOfEqualsDropsTheNewest(t *testing.T) {
	t.Parallel()
	q := New(3, accountOf)
	for n := range 3 {
		if e, full := q.Push(entry{fmt.Sprint(n), ""}); full {
			t.Errorf("dropped %+v", e)
		}
	}
	if e, full := q.Push(entry{"3", ""}); !full || e.account != "3" {
		t.Errorf("dropped %+v, %v", e, full)
	}
	if e, full := q.Push(entry{"1", "second"}); !full || e.text != "second" {
		t.Errorf("dropped %+v, %v", e, full)
	}
}

// What the queue counts on the way is what is in it.
func TestQueueCountsWhatIsInIt(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	q := New(20, accountOf)
	var model []entry
	held := func(account string) (n int) {
		for _, e := range model {
			if e.account == account {
				n++
			}
		}
		return n
	}
	for step := range 20_000 {
		if rng.IntN(3) == 0 {
			n := rng.IntN(4)
			got := q.Pop(n)
			want := model[:min(n, len(model))]
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: took %v, want %v", step, got, want)
			}
			model = slices.Clone(model[len(want):])
			continue
		}
		e := entry{fmt.Sprint(rng.IntN(1 + rng.IntN(30))), fmt.Sprint(step)}
		dropped, full := q.Push(e)
		if model = append(model, e); len(model) <= 20 {
			if full {
				t.Fatalf("step %d: dropped %v with space left", step, dropped)
			}
			continue
		}
		heaviest := 0
		for _, x := range model {
			heaviest = max(heaviest, held(x.account))
		}
		i := len(model) - 1
		for held(model[i].account) < heaviest {
			i--
		}
		if !full || dropped != model[i] {
			t.Fatalf("step %d: dropped %v, want %v of %v", step, dropped, model[i], model)
		}
		model = slices.Delete(model, i, i+1)
	}
	q.Pop(20)
	if len(q.held) != 0 || len(q.accounts) > 1 || q.heaviest != 0 {
		t.Errorf("counts of an empty queue: %v, %v, %d", q.held, q.accounts, q.heaviest)
	}
}

func BenchmarkFullQueueOfManyAccounts(b *testing.B) {
	keys := make([]entry, 2*8192)
	for n := range keys {
		keys[n].account = fmt.Sprint("account ", n)
	}
	q := New(8192, accountOf)
	for n := 0; b.Loop(); n++ {
		q.Push(keys[n%len(keys)])
	}
}

func TestQueueIsReadyWhileItHoldsSomething(t *testing.T) {
	t.Parallel()
	q := New(10, accountOf)
	ready := func() bool {
		select {
		case <-q.ready:
			return true
		default:
			return false
		}
	}
	for range 3 {
		q.Push(entry{"a", ""})
	}
	for n := range 3 {
		if !ready() {
			t.Fatalf("not ready with %d inside", 3-n)
		}
		q.Pop(1)
	}
	if ready() || len(q.Pop(1)) != 0 {
		t.Error("ready, and nothing is in it")
	}
}
