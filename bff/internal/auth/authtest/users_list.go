package authtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func list(t *testing.T, users auth.Users, q auth.UserQuery) []auth.User {
	t.Helper()
	got, resume, err := users.List(t.Context(), q)
	must(t, err)
	if resume != (auth.Position{}) {
		t.Errorf("%+v gave up at %+v with a handful of accounts", q, resume)
	}
	return got
}

func positionOf(u auth.User) auth.Position { return auth.Position{At: u.CreatedAt, ID: u.ID} }

// newestFirst compares positions as lists are sorted.
func newestFirst(a, b auth.Position) int {
	return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID))
}

func testListOrder(t *testing.T, users auth.Users) {
	if got := list(t, users, auth.UserQuery{Limit: 10}); len(got) != 0 {
		t.Errorf("an empty store lists %+v", got)
	}
	old := person()
	old.CreatedAt = time.Date(1969, time.July, 20, 20, 17, 40, 1e6, time.UTC)
	want := []auth.User{old}
	for _, ms := range []int{1, 0, 2} {
		for _, id := range []string{"b", "a", "B", "A", "0", "_", "b "} { // by bytes, not as in a dictionary
			u := person()
			u.ID = fmt.Sprintf("%s%d", id, ms)
			u.CreatedAt = sessiontest.Start.Add(time.Duration(ms) * time.Millisecond)
			want = append(want, u)
		}
	}
	want[3].Role, want[4].Active, want[5].Name, want[6].EmailVerified = session.RoleAdmin, false, "", true
	for _, u := range want {
		create(t, users, u)
	}
	slices.SortFunc(want, func(a, b auth.User) int { return newestFirst(positionOf(a), positionOf(b)) })

	same(t, "all", list(t, users, auth.UserQuery{Limit: 100}), want)
	same(t, "exactly all", list(t, users, auth.UserQuery{Limit: len(want)}), want)
	for limit := range 5 {
		same(t, "some", list(t, users, auth.UserQuery{Limit: limit + 1}), want[:limit+1])
	}
	for _, limit := range []int{0, -1} { // whatever it is, it is not everything
		if got := list(t, users, auth.UserQuery{Limit: limit}); len(got) > 1 {
			t.Errorf("a limit of %d gives %d accounts", limit, len(got))
		}
	}
	for i, u := range want {
		got := list(t, users, auth.UserQuery{After: positionOf(u), Limit: 3})
		if rest := want[i+1 : min(i+4, len(want))]; len(got) != 0 || len(rest) != 0 {
			same(t, "after "+u.ID, got, rest)
		}
	}
	// A cursor comes from outside.
	for _, id := range []string{"\xff", "'", "\x00", strings.Repeat("x", 10_000)} {
		list(t, users, auth.UserQuery{After: auth.Position{At: sessiontest.Start, ID: id}, Limit: 3})
	}
}

func testListText(t *testing.T, users auth.Users) {
	names := []string{
		"Ada Lovelace", "100% Zoë", "ZOË MAJOR", "zoe plain", "under_score", "underXscore", `back\slash`, "back/slash", "wow!",
		"O'Brien", `say "hi"`, "ЖАННА", "🦊 fox", "Weiß", "@text ? $1 :name", "naïve e\u0301", "", "[a-z]*", "Ωmega",
	}
	for i, name := range names {
		u := person()
		u.Name = name
		u.Email.Address = fmt.Sprintf("Q%02d@Mail.test", i)
		u.Email.Key = strings.ToLower(u.Email.Address)
		u.CreatedAt = sessiontest.Start.Add(-time.Duration(i) * time.Second)
		create(t, users, u)
	}
	tagged := person()
	tagged.Name, tagged.Email.Address = "Tagged", "First_Last+50%!@Mail.test"
	tagged.CreatedAt = sessiontest.Start.Add(-time.Hour)
	create(t, users, tagged)
	all := append(slices.Clone(names), "Tagged")

	for text, want := range map[string][]string{
		"":                          all,
		"@mail.TEST":                all,
		"ada lovelace":              {"Ada Lovelace"},
		"A LOVE":                    {"Ada Lovelace"},
		"lovelace ":                 nil,
		" ada":                      nil,
		"adalovelace":               nil,
		"q00@":                      {"Ada Lovelace"},
		"first_last+":               {"Tagged"},
		"firstXlast":                nil,
		"Lovelaceq00":               nil, // from the name into the address
		"%":                         {"100% Zoë", "Tagged"},
		"0% z":                      {"100% Zoë"},
		"%%":                        nil,
		"1%z":                       nil,
		"_":                         {"under_score", "Tagged"},
		"__":                        nil,
		"UNDER_S":                   {"under_score"},
		`\`:                         {`back\slash`},
		`\\`:                        nil,
		`\%`:                        nil,
		`k\s`:                       {`back\slash`},
		"!":                         {"wow!", "Tagged"},
		"!!":                        nil,
		"%!":                        {"Tagged"},
		"!%":                        nil,
		"'":                         {"O'Brien"},
		"''":                        nil,
		`"`:                         {`say "hi"`},
		"' OR '1'='1":               nil,
		"zoë":                       {"100% Zoë", "ZOË MAJOR"}, // any case, but ë is not e
		"ZOË":                       {"100% Zoë", "ZOË MAJOR"},
		"zoe":                       {"zoe plain"},
		"zoe\u0308":                 nil,
		"жан":                       {"ЖАННА"},
		"ЖАН":                       {"ЖАННА"},
		"ωMEGA":                     {"Ωmega"},
		"🦊":                         {"🦊 fox"},
		"🦉":                         nil, // one collation takes all of these for one
		"weiss":                     nil,
		"weiß":                      {"Weiß"},
		"naive":                     nil,
		"e\u0301":                   {"naïve e\u0301"},
		"é":                         nil,
		"@text ? $1":                {"@text ? $1 :name"},
		"@text":                     {"@text ? $1 :name"},
		"[a-z]":                     {"[a-z]*"},
		"*":                         {"[a-z]*"},
		"\x00":                      nil,
		"ada\x00":                   nil,
		"\xff":                      nil,
		"wei\xc3":                   nil,
		"\u00ad":                    nil, // ignored by collations
		strings.Repeat("x", 60_000): nil,
		strings.Repeat("%", 254):    nil,
	} {
		got, _, err := users.List(t.Context(), auth.UserQuery{Text: text, Limit: 100})
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
			continue
		}
		var found []string
		for _, u := range got {
			found = append(found, u.Name)
		}
		if !slices.Equal(found, want) {
			t.Errorf("%.40q finds %q, want %q", text, found, want)
		}
	}
	var pages []string
	after := auth.Position{}
	for range len(all) {
		got := list(t, users, auth.UserQuery{Text: "ZOË", After: after, Limit: 1})
		if len(got) == 0 {
			break
		}
		pages, after = append(pages, got[0].Name), positionOf(got[0])
	}
	same(t, "page by page", pages, []string{"100% Zoë", "ZOË MAJOR"})
}

// An administrator types an address, or its beginning, and it comes first, however
// old the account is.
func testListAddress(t *testing.T, users auth.Users) {
	type made struct{ address, name string }
	for i, m := range []made{
		{"other@a.test", "Ann Other"}, {"joanna@a.test", ""}, {"ann@a.test", "Ann"}, {"x@ann.test", ""},
		{"Ann.zed@a.test", ""}, {"annabel@a.test", "Bel"}, {"bob@a.test", "Bob"},
	} {
		u := person()
		u.Email = auth.Email{Address: m.address, Key: strings.ToLower(m.address)}
		u.Name = m.name
		u.CreatedAt = sessiontest.Start.Add(-time.Duration(i) * time.Minute)
		create(t, users, u)
	}
	for text, want := range map[string][]string{
		"ann":           {"Ann.zed@a.test", "ann@a.test", "annabel@a.test", "other@a.test", "joanna@a.test", "x@ann.test"},
		"ANN":           {"Ann.zed@a.test", "ann@a.test", "annabel@a.test", "other@a.test", "joanna@a.test", "x@ann.test"},
		"ann@a.test":    {"ann@a.test"},
		"anna":          {"annabel@a.test", "joanna@a.test"},
		"bob@a.test":    {"bob@a.test"},
		"o":             {"other@a.test", "joanna@a.test", "bob@a.test"},
		"ann@a.testing": nil,
	} {
		for limit := range 7 {
			var got []string
			after := auth.Position{}
			for {
				found := list(t, users, auth.UserQuery{Text: text, After: after, Limit: limit + 1})
				for _, u := range found {
					got = append(got, u.Email.Address)
					after = positionOf(u)
					if u.AddressBegins(text) {
						after = auth.Position{Key: u.Email.Key}
					}
				}
				if len(found) < limit+1 || len(got) > 20 {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q by %d finds %q, want %q", text, limit+1, got, want)
			}
		}
	}
	for _, key := range []string{"\xff", "'", "\x00", strings.Repeat("x", 10_000)} { // a cursor comes from outside
		list(t, users, auth.UserQuery{Text: "ann", After: auth.Position{Key: key}, Limit: 3})
	}
}

// Accounts are created and deleted during a walk through the pages.
func testListPages(t *testing.T, users auth.Users) {
	made := 0
	add := func(at time.Time) auth.User {
		u := person()
		u.CreatedAt = at
		create(t, users, u)
		made++
		return u
	}
	there := map[string]bool{} // seen
	for i := range 30 {
		there[add(sessiontest.Start.Add(time.Duration(i/6)*time.Millisecond)).ID] = false
	}
	last, pages := auth.Position{}, 0
	for {
		got := list(t, users, auth.UserQuery{After: last, Limit: 4})
		if len(got) == 0 {
			break
		}
		for _, u := range got {
			at := positionOf(u)
			if last != (auth.Position{}) && newestFirst(last, at) >= 0 {
				t.Fatalf("page %d: %v comes after %v", pages, at, last)
			}
			last = at
			if seen, ok := there[u.ID]; ok && seen {
				t.Errorf("page %d repeats %s", pages, u.ID)
			} else if ok {
				there[u.ID] = true
			}
		}
		if pages++; pages > made {
			t.Fatal("it does not end")
		}
		if pages > 8 {
			continue // or it would not, with new ones added before the end
		}
		add(sessiontest.Start.Add(time.Second))
		add(last.At)
		add(last.At.Add(-time.Millisecond))
		if pages%2 == 0 { // the one that the next page starts from
			must(t, users.Delete(t.Context(), last.ID, about(auth.User{ID: last.ID}), pendingSync(last.ID)))
			if _, err := users.ByID(t.Context(), last.ID); !errors.Is(err, auth.ErrNoUser) {
				t.Fatal(err)
			}
		}
	}
	for id, seen := range there {
		if !seen {
			t.Errorf("no page had %s", id)
		}
	}
}
