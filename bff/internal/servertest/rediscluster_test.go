package servertest

import (
	"strings"
	"testing"
	"time"
)

func TestClusterSharesTheSlotsAndGoesOnWithoutAMaster(t *testing.T) {
	start := time.Now()
	c := Cluster(t, 3)
	t.Logf("up after %v", time.Since(start))
	if n := strings.Count(c.URL, "127.0.0.1:"); n != 3 || strings.Count(c.URL, "?addr=") != 1 || strings.Count(c.URL, "&addr=") != 1 {
		t.Fatalf("URL %s", c.URL)
	}
	// The slots of "b", "a" and "c" are 3300, 15495 and 7365: one in each third.
	owner := map[string]*RedisHandle{"b": c.Masters[0], "c": c.Masters[1], "a": c.Masters[2]}
	for key, master := range owner {
		for _, other := range c.Masters {
			want := "+OK"
			if other != master {
				want = "-MOVED"
			}
			if got := ask(t, other.Addr(), "SET "+key+" 1"); !strings.HasPrefix(got, want) {
				t.Errorf("SET %s: %q, want %s", key, got, want)
			}
		}
	}
	c.Masters[1].Kill()
	if got := ask(t, c.Masters[0].Addr(), "EXISTS b"); got != ":1" {
		t.Errorf("without another master, EXISTS b: %q", got)
	}
	c.Masters[1].Start()
	c.Wait()
	if got := ask(t, c.Masters[1].Addr(), "EXISTS c"); got != ":1" {
		t.Errorf("after a start, EXISTS c: %q", got)
	}
}

func TestClusterOfOne(t *testing.T) {
	c := Cluster(t, 1)
	if want := "redis://" + c.Masters[0].Addr() + "?addr=" + c.Masters[0].Addr(); c.URL != want {
		t.Errorf("URL %s, want %s", c.URL, want)
	}
	if got := ask(t, c.Masters[0].Addr(), "SET a 1"); got != "+OK" {
		t.Errorf("SET: %q", got)
	}
	if got := ask(t, c.Masters[0].Addr(), "MSET a 1 b 2"); !strings.HasPrefix(got, "-CROSSSLOT") {
		t.Errorf("two slots at once: %q", got)
	}
}
