package attack

import (
	"math"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// Neither the response to a sign-in nor, in the median of many, the time it
// takes depends on whether the address has an account.
func TestSignInTimeHidesWhetherAnAccountExists(t *testing.T) {
	s := site.Embedded(t)
	s.HashCost = 8 // some 15 ms: the rest of a request is lost in it, as it is in the real 0.3 s
	s.Start()
	boss := s.Admin()
	s.Member("ada@example.com")
	disabled := s.Member("gone@example.com")
	boss.Do("PATCH", "/api/admin/users/"+disabled.UserID(), site.Object{"active": false}).Want(t, 200)

	who := []string{"ada@example.com", "nobody@example.com", "gone@example.com"}
	// A machine whose two processors are one core lengthens even the time on the
	// processor, so more rounds are added while the medians are apart.
	const rounds, most = 25, 100
	const hashes = "gatehouse_password_hash_seconds_count"
	hashed := s.Scrape()[hashes]
	shapes := map[string]site.Object{}
	used, took := map[string][]float64{}, map[string][]float64{}
	// Each round tries all three, so that a slow spell of the machine slows all
	// of them. Every sample counts; none is taken again.
	apart := func(email string) float64 { return median(used[email])/median(used[who[0]]) - 1 }
	round := 0
	for ; round < rounds || round < most && slices.ContainsFunc(who[1:], func(email string) bool { return math.Abs(apart(email)) >= 0.05 }); round++ {
		for n := range who {
			email := who[(n+round)%len(who)]
			before, began := processCPU(t), time.Now()
			a := wrongPassword(s, email).Want(t, 401, "invalid_credentials")
			took[email] = append(took[email], time.Since(began).Seconds())
			used[email] = append(used[email], (processCPU(t) - before).Seconds())
			shapes[email] = shapeOf(t, a)
		}
		s.Clock.Advance(25 * time.Hour) // failures are forgotten
	}
	if got, want := s.Scrape()[hashes]-hashed, float64(round*len(who)); got != want {
		t.Errorf("%v hashes were computed for %v sign-ins; each has to cost one", got, want)
	}
	for _, email := range who[1:] {
		if diff := cmp.Diff(shapes[who[0]], shapes[email]); diff != "" {
			t.Errorf("%s is answered another way: %s", email, diff)
		}
		// Other processes lengthen the time on the clock far more than the time on the
		// processor, so this one is held to the bound on a busy machine, too.
		low, high := medianBetween(ratios(took[email], took[who[0]]))
		t.Logf("%s against a wrong password: processor time × %.3f, time on the clock × %.3f to %.3f", email, 1+apart(email), low, high)
		if math.Abs(apart(email)) >= 0.05 {
			t.Errorf("%s: the median processor time of %d rounds is %.1f %% apart", email, round, 100*apart(email))
		}
		// Of what shows on the clock alone, a wait for instance, as much as the
		// noise of this machine lets be known for certain.
		if low > 1.05 || high < 0.95 {
			t.Errorf("%s: the median ratio of the times is between %.3f and %.3f", email, low, high)
		}
	}
}

// processCPU is the processor time that this process has used, the product in it
// included. Nothing else runs in it: tests that are not parallel run alone.
func processCPU(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// shapeOf is all of an answer that is not one request's own.
func shapeOf(t *testing.T, a site.Answer) site.Object {
	t.Helper()
	body := a.JSON(t)
	delete(body, "requestId")
	headers := a.Header.Clone()
	headers.Del("X-Request-Id")
	headers.Del("Date")
	return site.Object{"status": a.StatusCode, "body": body, "headers": headers, "cookies": len(a.Cookies())}
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

func ratios(a, b []float64) []float64 {
	of := make([]float64, len(a))
	for i := range a {
		of[i] = a[i] / b[i]
	}
	return of
}

// medianBetween is the interval that holds the true median of what was sampled,
// whatever its distribution, but for one time in a thousand: the median is
// between two ranks of the sorted samples, n/2 ± 3.3 standard deviations of a
// binomial distribution, √n/2 each.
func medianBetween(of []float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(of))
	middle, reach := float64(len(sorted))/2, 3.3*math.Sqrt(float64(len(sorted)))/2
	return sorted[int(middle-reach)], sorted[int(math.Ceil(middle+reach))-1]
}
