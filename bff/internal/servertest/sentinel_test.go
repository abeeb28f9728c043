package servertest

import (
	"strings"
	"testing"
	"time"
)

func TestSentinelPromotesTheReplica(t *testing.T) {
	start := time.Now()
	s := Sentinel(t)
	t.Logf("up after %v", time.Since(start))
	if got := ask(t, s.Master.Addr(), "SET a 1"); got != "+OK" {
		t.Fatalf("SET: %q", got)
	}
	s.CatchUp()
	if got := ask(t, s.Replica.Addr(), "EXISTS a"); got != ":1" {
		t.Errorf("on the replica, EXISTS a: %q", got)
	}
	promoted := func() bool { return ask(t, s.Replica.Addr(), "SET a 2") == "+OK" }
	s.SetDownAfter(time.Hour)
	s.Master.Kill()
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); <-time.After(pollEvery) {
		if promoted() {
			t.Fatal("the replica was promoted before its time")
		}
	}
	s.SetDownAfter(2 * time.Second) // ten times that is how long the replica may have been alone
	start = time.Now()
	if err := until(t.Context(), "the replica is promoted", func() (string, bool) { return "", promoted() }); err != nil {
		t.Fatal(err)
	}
	t.Logf("promoted after %v", time.Since(start))
	if !strings.HasSuffix(s.URL, "?master_name=sessions") || strings.Contains(s.URL, s.Master.Addr()) {
		t.Errorf("URL %s", s.URL)
	}
}
