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
	const rounds = 25
	const hashes = "gatehouse_password_hash_seconds_count"
	hashed := s.Scrape()[hashes]
	shapes := map[string]site.Object{}
	used, took := map[string][]float64{}, map[string][]float64{}
	// Each round tries all three, so that a slow spell of the machine slows all
	// of them. Every sample counts; none is taken again.
	for round := range rounds {
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
	if got, want := s.Scrape()[hashes]-hashed, float64(rounds*len(who)); got != want {
		t.Errorf("%v hashes were computed for %v sign-ins; each has to cost one", got, want)
	}
	for _, email := range who[1:] {
		if diff := cmp.Diff(shapes[who[0]], shapes[email]); diff != "" {
			t.Errorf("%s is answered another way: %s", email, diff)
		}
		// Other processes lengthen the time on the clock but not the time on the
		// processor, so this one is held to the bound on a busy machine, too.
		ratio := median(used[email]) / median(used[who[0]])
		low, high := medianBetween(ratios(took[email], took[who[0]]))
		t.Logf("%s against a wrong password: processor time × %.3f, time on the clock × %.3f to %.3f", email, ratio, low, high)
		if math.Abs(ratio-1) >= 0.05 {
			t.Errorf("%s: the median processor time is %.1f %% apart", email, 100*(ratio-1))
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
