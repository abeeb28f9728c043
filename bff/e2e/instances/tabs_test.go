package instances

import (
	"bufio"
	cryptorand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// tabbedBrowser is the browser of an honest member: many tabs, one jar.
type tabbedBrowser struct {
	t    *testing.T
	on   site.Pair
	rand *rand.Rand
	jar  site.Tokens
	// children is what each refresh token led to: always the same.
	children map[string]site.Tokens
	parent   site.Tokens // of what is in the jar, once that has been used
	// late are those that came more than once: when the access token beside one
	// is dead by then, its first use keeps the generation.
	late              map[string]bool
	rotated, reissued int
}

// wakeUp sends requests of several tabs at once, with one jar, to both instances;
// some hang up half way. No tab may be signed out, and all new tokens must be equal.
func (h *tabbedBrowser) wakeUp(tabs int) {
	h.t.Helper()
	type result struct {
		site.Answer
		err error
	}
	results := make([]result, tabs)
	before := h.jar
	var all sync.WaitGroup
	for i := range results {
		request, at := site.RefreshingRequests[h.rand.IntN(len(site.RefreshingRequests))], h.on.Either(h.rand)
		hangUp, partly := h.rand.IntN(3) == 0, h.rand.IntN(4)
		all.Go(func() {
			if hangUp {
				results[i].err = sendAndHangUp(at, request[0], request[1], before, partly)
				return
			}
			results[i].Answer, results[i].err = at.Send(request[0], request[1], before)
		})
	}
	all.Wait()
	for _, r := range results {
		if r.err != nil {
			h.t.Fatal(r.err)
		}
		if r.Response != nil {
			h.heard(before, r.Answer)
		}
	}
	// Who hung up may have left a rotation under way. To ask for the same is to
	// wait for it, and one more answer that is lost.
	for _, at := range h.on.Each() {
		h.heard(before, at.Post("/api/auth/refresh", before))
	}
}

// heard takes note of an answer to a request that carried with.
func (h *tabbedBrowser) heard(with site.Tokens, a site.Answer) {
	h.t.Helper()
	got, cleared := a.Want(h.t, 200).NewTokens()
	switch known, seen := h.children[with.Refresh]; {
	case cleared:
		h.t.Fatalf("%s cleared cookies of an honest browser", a.Request.URL)
	case got == site.Tokens{}:
	case got.Access == "" || got.Refresh == "":
		h.t.Fatalf("%s brought half a pair", a.Request.URL)
	case seen && known == got:
		h.late[got.Refresh] = true
	case seen:
		h.t.Fatalf("%s brought other tokens than another answer to the same", a.Request.URL)
	default:
		h.children[with.Refresh] = got
		switch was, is := with.Generation(h.t), got.Generation(h.t); {
		case is == was+1:
			h.rotated++
		case is == was && h.late[with.Refresh]:
			h.reissued++
		default:
			h.t.Fatalf("generation %d after %d", is, was)
		}
	}
}

// takeHome lets an answer arrive, and the next request use it.
func (h *tabbedBrowser) takeHome() {
	h.t.Helper()
	child, ok := h.children[h.jar.Refresh]
	if !ok {
		h.t.Fatal("no tab was refreshed")
	}
	h.parent, h.jar = h.jar, child
	at := h.on.Either(h.rand)
	before := h.jar
	a := at.Get("/api/auth/me", before)
	h.heard(before, a)
	if next, ok := h.children[before.Refresh]; ok { // the child was stale already
		h.parent, h.jar = before, next
		h.heard(h.jar, at.Get("/api/auth/me", h.jar))
		return
	}
	// Where the child was seen, its parent is late traffic: nothing for it.
	if late, _ := at.Post("/api/auth/refresh", h.parent).Want(h.t, 200).NewTokens(); late != (site.Tokens{}) {
		h.t.Fatal("late traffic got cookies where its child was seen")
	}
}

// straggle lets requests arrive that left before the jar had the child.
func (h *tabbedBrowser) straggle() {
	h.t.Helper()
	for _, request := range site.RefreshingRequests {
		h.heard(h.parent, h.on.Either(h.rand).MustSend(request[0], request[1], h.parent))
	}
}

// Parallel tabs on two instances, lost responses, hang-ups, late requests, hours
// between: no session is ever signed out, and a generation has one child.
func TestTabsOnTwoInstancesAreNeverSignedOut(t *testing.T) {
	p := site.TwoInstances(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	p.A.MemberTokens("ada@example.com")
	var people []*tabbedBrowser
	for i := range uint64(8) {
		people = append(people, &tabbedBrowser{
			t: t, on: p, rand: rand.New(rand.NewPCG(seed, i)), jar: p.A.SignInTokens("ada@example.com"), children: map[string]site.Tokens{}, late: map[string]bool{},
		})
	}
	dice := rand.New(rand.NewPCG(seed, 99))
	rounds := 10
	for range rounds {
		p.A.Clock.Advance([]time.Duration{0, time.Second, 16 * time.Minute, 16 * time.Minute, 8 * time.Hour}[dice.IntN(5)])
		for _, h := range people {
			h.wakeUp(1 + h.rand.IntN(6))
		}
		straggle := dice.IntN(2) == 0
		var home []*tabbedBrowser
		for _, h := range people {
			if h.rand.IntN(4) > 0 { // else every answer was lost
				h.takeHome()
				home = append(home, h)
			}
		}
		if straggle {
			p.A.Clock.Advance(14 * time.Second)
			for _, h := range home {
				h.straggle()
			}
		}
	}
	rotated, reissued := 0, 0
	for _, h := range people {
		rotated, reissued = rotated+h.rotated, reissued+h.reissued
		h.takeHomeOrStay()
		h.on.B.Get("/api/demo/me", h.jar).Want(t, 200)
	}
	if rotated < rounds {
		t.Errorf("only %d rotations: the schedules tried nothing", rotated)
	}
	t.Logf("%d rotations and %d new dates of %d sessions", rotated, reissued, len(people))
}

func (h *tabbedBrowser) takeHomeOrStay() {
	h.t.Helper()
	if _, ok := h.children[h.jar.Refresh]; ok {
		h.takeHome()
	}
}

// sendAndHangUp sends a request, in part or whole, and closes the connection. It waits
// until the server is done with it: tests move the clock by hours.
func sendAndHangUp(s *site.Harness, method, path string, with site.Tokens, how int) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	id := cryptorand.Text()
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nX-Request-Id: %s\r\nContent-Length: 0\r\nCookie: %s\r\n\r\n",
		method, path, strings.TrimPrefix(s.Env["PUBLIC_URL"], "http://"), id, with.CookieHeader())
	if how == 0 { // in the middle of a cookie; nobody hears of that one
		_, err = fmt.Fprint(conn, text[:len(text)-len(with.Refresh)/2])
		return err
	}
	if _, err := fmt.Fprint(conn, text); err != nil {
		return err
	}
	if how == 1 { // with the answer half read
		if _, err := bufio.NewReader(conn).ReadByte(); err != nil {
			return err
		}
	}
	if err := conn.Close(); err != nil {
		return err
	}
	for late := time.Now().Add(20 * time.Second); !strings.Contains(s.Logs.String(), id); {
		if time.Now().After(late) {
			return fmt.Errorf("%s %s was never answered", method, path)
		}
		<-time.After(time.Millisecond)
	}
	return nil
}
