package e2e

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whether an address has an account here is told by nothing: neither by the
// answer nor, in the median of many, by the time it takes.
func TestSignInTellsNobodyWhoHasAnAccount(t *testing.T) {
	s := embedded(t)
	s.hashCost = 8 // some 15 ms: the rest of a request is lost in it, as it is in the real 0.3 s
	s.start()
	boss := s.boss()
	s.member("ada@example.com")
	disabled := s.member("gone@example.com")
	boss.do("PATCH", "/api/admin/users/"+disabled.userID(), object{"active": false}).want(t, 200)

	who := []string{"ada@example.com", "nobody@example.com", "gone@example.com"}
	shapes := map[string]object{}
	// Each round asks for all three, so that what slows the machine for a while
	// slows all of them; what counts is the median of a round's ratios.
	rounds := 0
	round := func() (unknown, gone float64) {
		rounds++
		var took [3]time.Duration
		for n := range who {
			i := (n + rounds) % len(who)
			email := who[i]
			began := time.Now()
			a := s.wrong(email).want(t, 401, "invalid_credentials")
			took[i] = time.Since(began)
			shapes[email] = shapeOf(t, a)
		}
		s.clock.Advance(25 * time.Hour) // failures are forgotten
		return float64(took[1]) / float64(took[0]), float64(took[2]) / float64(took[0])
	}
	apart := 1.0
	for try := 0; try < 6 && apart >= 0.05; try++ { // on a busy machine it takes more of them
		var unknown, gone []float64
		for range 15 {
			u, g := round()
			unknown, gone = append(unknown, u), append(gone, g)
		}
		apart = max(math.Abs(median(unknown)-1), math.Abs(median(gone)-1))
		t.Logf("against a wrong password, median of %d: unknown %.3f, disabled %.3f", len(gone), median(unknown), median(gone))
	}
	if apart >= 0.05 {
		t.Errorf("they are %.1f %% apart", 100*apart)
	}
	for _, email := range who[1:] {
		if diff := cmp.Diff(shapes[who[0]], shapes[email]); diff != "" {
			t.Errorf("%s is answered another way: %s", email, diff)
		}
	}
}

// shapeOf is all of an answer that is not one request's own.
func shapeOf(t *testing.T, a answer) object {
	t.Helper()
	body := a.json(t)
	delete(body, "requestId")
	headers := a.Header.Clone()
	headers.Del("X-Request-Id")
	headers.Del("Date")
	return object{"status": a.StatusCode, "body": body, "headers": headers, "cookies": len(a.Cookies())}
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
