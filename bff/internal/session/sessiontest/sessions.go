package sessiontest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Store is both halves of a session store.
type Store interface {
	session.Store
	session.Revocations
}

// Peered is a Store that several instances share. Peer opens another handle on
// the same backend, as a second instance of the server would.
type Peered interface {
	Store
	Peer(t *testing.T) Store
}

// RunSessions is the contract of a session store. open is called once for each
// test and gives an empty store that goes by clock; it cleans up after itself.
func RunSessions(t *testing.T, open func(t *testing.T, clock *Clock) Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s Store, clock *Clock)
	}{
		{"a session comes back exactly as it was stored", testRoundTrip},
		{"text that is not UTF-8 is made so", testBadText},
		{"what is not there is not there", testUnknown},
		{"a session answers to its own user only", testOtherUser},
		{"odd ids do not collide", testOddIDs},
		{"a cancelled call says nothing about the session", testCancelled},
		{"the list is newest first and the user's own", testList},
		{"a session ends at its idle end", testExpiry},
		{"the list has no ghosts", testGhosts},
		{"end removes what it names and nothing else", testEnd},
		{"a swap replaces the version it names", testSwap},
		{"a swap of another version changes nothing", testSwapConflict},
		{"a swap never brings a session back", testSwapResurrects},
		{"the end moves with a swap", testSwapMovesEnd},
		{"a swap stays with its session", testSwapOther},
		{"fifty swaps of one version have one winner", testSwapRace},
		{"an end beats every swap that races it", testEndRace},
		{"every subscriber receives an end", testFollow},
		{"a subscriber receives a repeated end", testFollowRepeated},
		{"a subscriber receives earlier revocations, as far back as it asks for", testReplay},
		{"CaughtUp is called after the earlier revocations", testCaughtUp},
		{"a published revocation arrives, and the session goes on", testAnnounce},
		{"a subscriber stops with its context", testFollowStops},
		{"the 101st session takes the place of the one seen longest ago", testSessionLimit},
		{"of sessions seen at one moment the oldest makes space", testSessionLimitTies},
		{"sessions that have ended take no space", testSessionLimitExpired},
		{"fifty sign-ins at once stay within the limit", testSessionLimitRace},
		{"storing one session twice takes the place of none", testSessionLimitRepeated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := NewClock()
			tt.run(t, open(t, clock), clock)
		})
	}
}

// sample is a fresh session of userID in which every field says something,
// signed in now and idle in an hour.
func sample(userID string, now time.Time) session.Record {
	now = now.Truncate(time.Millisecond)
	return session.Record{
		ID:     rand.Text(),
		UserID: userID,
		Account: session.Account{
			Email:         `o'hara+"<tag>"@xn--bcher-kva.example`,
			Name:          "Zoë \U0001F511 & \u2028 \"O\\Hara\"",
			Role:          session.RoleAdmin,
			EmailVerified: true,
			CreatedAt:     now.Add(-400*24*time.Hour - 123*time.Millisecond),
		},
		Remember:     true,
		CreatedAt:    now,
		AbsoluteEnd:  now.Add(90 * 24 * time.Hour),
		Generation:   1<<32 - 1,
		IssuedAt:     now.Add(time.Second).Truncate(time.Second),
		IdleEnd:      now.Add(time.Hour),
		ReceivedAt:   now.Add(7 * time.Millisecond),
		ReissueUntil: now.Add(45 * time.Second),
		Reissues:     3,
		LastSeenAt:   now.Add(11 * time.Millisecond),
		IP:           "2001:db8::1",
		UserAgent:    "Mozilla/5.0 (X11; Linux x86_64) <é> " + strings.Repeat("a", 200),
		// Past what a float64, the number of Lua and of JavaScript, can count.
		Version: 1<<53 + 1,
	}
}

func testRoundTrip(t *testing.T, s Store, clock *Clock) {
	full := sample(rand.Text(), clock.Now())
	everyField(t, reflect.ValueOf(full), "Record")
	bare := session.Record{ID: rand.Text(), UserID: rand.Text(), IdleEnd: full.IdleEnd}
	elsewhere := sample(rand.Text(), clock.Now())
	elsewhere.IdleEnd = elsewhere.IdleEnd.In(time.FixedZone("Marquesas", -9*3600-1800))

	for _, want := range []session.Record{full, bare, elsewhere} {
		createSession(t, s, want)
		got, err := s.Get(t.Context(), want.UserID, want.ID)
		must(t, err)
		same(t, "get", got, want)
		list, err := ListSessions(t.Context(), s, want.UserID)
		must(t, err)
		same(t, "list", list, []session.Record{want})
		if got.IdleEnd.Location() != time.UTC {
			t.Errorf("times come back in %v, want UTC", got.IdleEnd.Location())
		}
	}
}

// testBadText: a User-Agent is whatever bytes a client likes to send, and one
// that was cut at 256 bytes may end within a letter.
func testBadText(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	x.UserAgent = "caf\xe9 \xff\xfe browser \xe2\x82"
	x.Account.Name = "a\x00b\x7f"
	createSession(t, s, x)
	x.UserAgent = "caf\uFFFD \uFFFD browser \uFFFD"
	there(t, s, x)
}

// everyField fails for a field that says nothing, so that a field added to
// Session and forgotten by a store fails the round trip.
func everyField(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	for i := range v.NumField() {
		name := path + "." + v.Type().Field(i).Name
		if v.Field(i).IsZero() {
			t.Errorf("%s says nothing: give it a value in sample()", name)
		}
		if f := v.Field(i); f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]() {
			everyField(t, f, name)
		}
	}
}

func testUnknown(t *testing.T, s Store, clock *Clock) {
	gone(t, s, sample(rand.Text(), clock.Now()))
	gone(t, s, session.Record{})
	list, err := ListSessions(t.Context(), s, rand.Text())
	must(t, err)
	same(t, "list of an unknown user", list, nil)
}

func testOtherUser(t *testing.T, s Store, clock *Clock) {
	mine := sample(rand.Text(), clock.Now())
	createSession(t, s, mine)
	forged := mine
	forged.UserID = rand.Text()

	gone(t, s, forged)
	must(t, s.End(t.Context(), revocation(forged, clock.Now())))
	there(t, s, mine)
}

func testOddIDs(t *testing.T, s Store, clock *Clock) {
	odd := []string{
		"a", "b", "a}:b", "b}:c", "c", "{a}", "{", "}", "a:b", ":", "a b", "a\nb", "a\x00b", "%", "%7D", "a%7D",
		"*", "?", "[a-z]", "é", "e\u0301", "A", "../x", "sessions:{a}", "\xff", "\xfe", strings.Repeat("x", 300),
	}
	var all []session.Record
	for _, userID := range odd {
		for _, id := range odd {
			x := sample(userID, clock.Now())
			x.ID = id
			x.Account.Name = fmt.Sprintf("%q of %q", id, userID)
			createSession(t, s, x)
			all = append(all, x)
		}
	}
	for _, x := range all {
		there(t, s, x)
	}
	// Ending one user's sessions does not touch those of others.
	victim := slices.Index(odd, "a")
	for i := range odd {
		must(t, s.End(t.Context(), revocation(all[victim*len(odd)+i], clock.Now())))
	}
	for i, x := range all {
		if i/len(odd) == victim {
			gone(t, s, x)
		} else {
			there(t, s, x)
		}
	}
}

func testCancelled(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	createSession(t, s, x)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, createErr := s.Create(ctx, sample(rand.Text(), clock.Now()))
	_, getErr := s.Get(ctx, x.UserID, x.ID)
	_, listErr := ListSessions(ctx, s, x.UserID)
	for call, err := range map[string]error{
		"create": createErr,
		"get":    getErr,
		"list":   listErr,
		"swap":   s.Swap(ctx, x, x),
		"end":    s.End(ctx, revocation(x, clock.Now())),
	} {
		if !errors.Is(err, session.ErrSessionStore) || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled %s: %v, want one that is both ErrSessionStore and context.Canceled", call, err)
		}
	}
	there(t, s, x)
}

// there fails unless the store has exactly want.
func there(t *testing.T, s Store, want session.Record) {
	t.Helper()
	got, err := s.Get(t.Context(), want.UserID, want.ID)
	if err != nil {
		t.Errorf("session %q of %q: %v", want.ID, want.UserID, err)
		return
	}
	same(t, "stored", got, want)
}

// gone fails unless the store says, by every question, that x is not there.
func gone(t *testing.T, s Store, x session.Record) {
	t.Helper()
	if got, err := s.Get(t.Context(), x.UserID, x.ID); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("get of what is gone: %+v, %v, want ErrNoSession", got, err)
	}
	if err := s.Swap(t.Context(), x, x); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("swap of what is gone: %v, want ErrNoSession", err)
	}
	list, err := ListSessions(t.Context(), s, x.UserID)
	must(t, err)
	for _, l := range list {
		if l.ID == x.ID {
			t.Errorf("the list has a session that is gone: %+v", l)
		}
	}
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
