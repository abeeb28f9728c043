package filestore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func TestLimitsInMemory(t *testing.T) {
	authtest.RunLimiter(t, func(_ *testing.T, clock *sessiontest.Clock) auth.Limiter { return filestore.NewLimits(clock.Now) })
}

// limits are Limits with answers that a table can compare.
type limits struct {
	*filestore.Limits
	t *testing.T
}

func (l limits) attempt(key string) bool {
	l.t.Helper()
	wait, err := l.Attempt(l.t.Context(), key)
	if err != nil {
		l.t.Fatal(err)
	}
	return wait == 0
}

func (l limits) take(key string, a session.Allowance) bool {
	l.t.Helper()
	wait, err := l.Take(l.t.Context(), key, a)
	if err != nil {
		l.t.Fatal(err)
	}
	return wait == 0
}

const most = 1000

// An attacker with ever new keys fills no memory.
func TestLimitsAreBounded(t *testing.T) {
	t.Parallel()
	l := limits{filestore.SmallLimits(sessiontest.NewClock().Now, most), t}
	once := session.Allowance{Count: 1, Per: time.Hour}
	for i := range 2*most + most/2 {
		key := fmt.Sprintf("signin:%d@example.com", i)
		if !l.attempt(key) || !l.take(key, once) {
			t.Fatalf("%s is held up by the others", key)
		}
	}
	if got := l.KeptLimits(); got != 2*most {
		t.Errorf("%d keys are remembered, want %d of each kind", got, most)
	}
}

// What the bound costs: nothing less than as many other keys resets a counter,
// and only when all of them come after its last event.
func TestOldestLimitsAreDropped(t *testing.T) {
	t.Parallel()
	clock := sessiontest.NewClock()
	l := limits{filestore.SmallLimits(clock.Now, most), t}
	once, thrice := session.Allowance{Count: 1, Per: 24 * time.Hour}, session.Allowance{Count: 3, Per: time.Hour}
	flooded := 0
	flood := func(n int) {
		for range n {
			flooded++
			key := fmt.Sprintf("k%d", flooded)
			l.attempt(key)
			l.take(key, once)
		}
	}
	fail := func(n int) (free int) {
		for range n {
			if l.attempt("victim") {
				free++
			}
		}
		return free
	}
	l.take("victim", once)
	for l.take("victim", thrice) {
	}
	if free := fail(6); free != 5 {
		t.Fatalf("%d were free", free)
	}
	flood(most - 1)
	if fail(1) != 0 || l.take("victim", once) {
		t.Error("forgotten before the table was full")
	}
	clock.Advance(time.Second)
	if fail(2) != 1 { // which makes it the youngest again
		t.Error("held up, or free of the delay")
	}
	flood(most - 1)
	if fail(1) != 0 {
		t.Error("forgotten, though others are older")
	}
	if !l.take("victim", once) {
		t.Error("remembered for longer than the bound allows: memory grows")
	}
	flood(1)
	if fail(1) != 1 {
		t.Error("remembered for longer than the bound allows: memory grows")
	}
	if l.take("victim", thrice) {
		t.Error("one kind's flood has pushed out another kind's counter")
	}
}

func TestForgottenLimitsLeaveMemory(t *testing.T) {
	t.Parallel()
	clock := sessiontest.NewClock()
	l := limits{filestore.NewLimits(clock.Now), t}
	a := auth.DefaultLimits.SignIn
	for i := range 1000 {
		l.attempt(fmt.Sprint(i))
		l.take(fmt.Sprint(i), a)
	}
	if got := l.KeptLimits(); got != 2000 {
		t.Fatalf("%d are remembered", got)
	}
	clock.Advance(auth.AttemptsKept)
	for i := range 1000 {
		l.attempt(fmt.Sprint("new ", i))
		l.take(fmt.Sprint("new ", i), a)
	}
	if got := l.KeptLimits(); got != 2000 {
		t.Errorf("%d are remembered, want the new ones", got)
	}
	// What was not judged, as the server was busy, costs an attacker nothing
	// and so must fill nothing.
	for i := range 1000 {
		end := l.Forget
		if i%2 == 0 {
			end = l.Undo
		}
		if err := end(t.Context(), fmt.Sprint("new ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.KeptLimits(); got != 1000 {
		t.Errorf("%d are remembered after all was undone, want those that were taken", got)
	}
}
