package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whether an address has an account here is told by nothing: neither by the
// answer nor, in the median of many, by the time it takes.
func TestSignInTellsNobodyWhoHasAnAccount(t *testing.T) {
	s := embedded(t)
	s.hashCost = 9 // some 35 ms: the rest of a request is lost in it, as it is in the real 0.3 s
	s.start()
	boss := s.boss()
	s.member("ada@example.com")
	disabled := s.member("gone@example.com")
	boss.do("PATCH", "/api/admin/users/"+disabled.userID(), object{"active": false}).want(t, 200)

	who := []string{"ada@example.com", "nobody@example.com", "gone@example.com"}
	took := map[string][]time.Duration{}
	shapes := map[string]object{}
	round := func() {
		for _, email := range who {
			began := time.Now()
			a := s.wrong(email).want(t, 401, "invalid_credentials")
			took[email] = append(took[email], time.Since(began))
			shapes[email] = shapeOf(t, a)
		}
		s.clock.Advance(25 * time.Hour) // failures are forgotten
	}
	apart := 0.0
	for range 4 { // on a busy machine it takes more of them
		for range 15 {
			round()
		}
		medians := []time.Duration{median(took[who[0]]), median(took[who[1]]), median(took[who[2]])}
		apart = float64(slices.Max(medians))/float64(slices.Min(medians)) - 1
		t.Logf("n = %d: wrong %s, unknown %s, disabled %s; %.1f %% apart", len(took[who[0]]), medians[0], medians[1], medians[2], 100*apart)
		if apart < 0.05 {
			break
		}
	}
	if apart >= 0.05 {
		t.Errorf("medians are %.1f %% apart", 100*apart)
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

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
