package redisstore_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// What operators are told to leave space for is what the server sees.
func TestConnectionsOfAnInstance(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	s := open(t, server.URL+"?pool_size=3", time.Now)
	sessiontest.Subscribe(t, s, time.Hour)
	var run errgroup.Group
	for range 60 {
		run.Go(func() error { return s.Ping(t.Context()) })
	}
	must(t, run.Wait())
	list, err := raw(t, server.URL).ClientList(t.Context()).Result()
	must(t, err)
	got := countNamed(list, "gatehouse")
	want, eachMaster, err := redisconn.Connections(server.URL + "?pool_size=3")
	must(t, err)
	if want != 4 || eachMaster || got > want || got < 2 {
		t.Errorf("%d connections, want 2 to %d (and 4)", got, want)
	}
	for url, want := range map[string]int{
		"redis://a": 10*runtime.GOMAXPROCS(0) + 1, "redis://a?master_name=m": 10*runtime.GOMAXPROCS(0) + 1, "redis://a?addr=b:6379": 5*runtime.GOMAXPROCS(0) + 1,
		"rediss://a?addr=b:6379&pool_size=9": 10,
	} {
		if got, _, err := redisconn.Connections(url); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", url, got, err, want)
		}
	}
	if _, _, err := redisconn.Connections("mysql://a"); err == nil {
		t.Error("another scheme has connections")
	}
}

// countNamed counts the clients of CLIENT LIST that have a name.
func countNamed(list, name string) (n int) {
	for line := range strings.Lines(list) {
		if strings.Contains(line, " name="+name+" ") {
			n++
		}
	}
	return n
}
