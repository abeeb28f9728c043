package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// notes is an observer that writes down what it is told.
type notes struct {
	mu       sync.Mutex
	answered []string
	failed   []string
	attempts []string
	sent     []*http.Request
}

func (n *notes) add(list *[]string, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	*list = append(*list, fmt.Sprintf(format, args...))
}

func (n *notes) watching(o *gateOptions) {
	o.Observe = Observer{
		Answered: func(route string, status int, took time.Duration) {
			if took < 0 {
				n.add(&n.answered, "took %s", took)
			}
			n.add(&n.answered, "%s %d", route, status)
		},
		Failed: func(route, kind string) { n.add(&n.failed, "%s %s", route, kind) },
	}
	o.upstream.Attempt = func(r *http.Request, route, _ string) func(int, error) {
		mark := fmt.Sprint("span-", len(n.attempts))
		r.Header.Set("Traceparent", mark)
		n.sent = append(n.sent, r)
		return func(status int, err error) {
			n.add(&n.attempts, "%s %s %d %v", route, r.Header.Get("Traceparent"), status, err != nil)
		}
	}
}

// An attempt that failed and the one after it are told apart, also in what
// the upstream sees.
func TestObserverSeesEachAttempt(t *testing.T) {
	up, last := recorder(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) })
	dead := deadUpstream(t)
	n := &notes{}
	g := newGate(t, up+" "+dead, nil, n.watching) // the second one's turn is first
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 418 {
		t.Fatal(res.Status)
	}
	want := []string{"/api/x span-0 0 true", "/api/x span-1 418 false"}
	if diff := cmp.Diff(want, n.attempts); diff != "" {
		t.Error(diff)
	}
	// The transport may hold on to a request that it has failed to send.
	if got := n.sent[0].Header.Get("Traceparent"); got != "span-0" {
		t.Errorf("the first attempt's header became %q", got)
	}
	if got := last().header.Get("Traceparent"); got != "span-1" {
		t.Errorf("the upstream was told %q", got)
	}
	if diff := cmp.Diff([]string{"/api/x 418"}, n.answered); diff != "" || len(n.failed) != 0 {
		t.Error(diff, n.failed)
	}
	states := map[bool]string{}
	for _, s := range g.upstreams.States(g.table.Load()) {
		states[s.Up] = s.Origin
	}
	if diff := cmp.Diff(map[bool]string{true: up, false: dead}, states); diff != "" {
		t.Error(diff)
	}
}

func TestObserverHearsOfFailures(t *testing.T) {
	n := &notes{}
	g := newGate(t, deadUpstream(t), nil, n.watching)
	g.do(t, "GET", "/api/x", nil)
	mint := func(o *gateOptions) {
		o.Mint = func(route.Identity, string) (string, error) { return "", errors.New("no key") }
	}
	g = newGate(t, deadUpstream(t), nil, n.watching, mint)
	g.do(t, "GET", "/api/x", nil)
	if diff := cmp.Diff([]string{"/api/x unreachable", "/api/x mint_failed"}, n.failed); diff != "" || len(n.answered) != 0 {
		t.Error(diff, n.answered)
	}
}

// Each kind has a word of its own, for labels.
func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for kind := range kindTexts {
		name := Kind(kind).name()
		if seen[name] || name == "other" {
			t.Errorf("kind %d is %q", kind, name)
		}
		seen[name] = true
	}
	if name := Kind(200).name(); name != "other" {
		t.Errorf("what there is not is %q", name)
	}
}
