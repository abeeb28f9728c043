package auth

import "testing"

// An attacker's wrong passwords do not take the owner's share of the queue.
func TestEventsCountForTheAccountThatActs(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]Event{
		"admin":             {UserID: "ada", ActorID: "admin", IP: "192.0.2.1"},
		"ada":               {UserID: "ada", ActorID: "ada", IP: "192.0.2.1"},
		"at ada":            {UserID: "ada", IP: "192.0.2.1"},
		"192.0.2.1":         {IP: "192.0.2.1"},
		"2001:db8:1:2::/64": {IP: "2001:db8:1:2:3::4"},
	} {
		if got := causeOf(e); got != want {
			t.Errorf("%+v counts for %q, want %q", e, got, want)
		}
	}
}
