package redisstore

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func TestUserAgentsOfOldRecordsAreReadAndWrittenPlain(t *testing.T) {
	for short, want := range map[string]string{
		"\x7fA\x7fH142\x7fK":               "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"\x7fA\x7fH142\x7fK Edg/142.0.0.0": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
		"\x7fB_15_7\x7fJ26.1\x7fM":         "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
		"\x7fD18_7\x7fI26.1\x7fN":          "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		"\x7fE18_7\x7fI26.1\x7fN":          "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		"\x7fF\x7fH142\x7fL":               "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
		"\x7fC; rv:145.0\x7fO145.0":        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"\x7fGcompatible; Bot\x7fO145.0":   "Mozilla/5.0 (compatible; Bot) Gecko/20100101 Firefox/145.0",
		"curl/8.5.0":                       "curl/8.5.0",
		"A \x7fGA":                         "A Mozilla/5.0 (A",
		"":                                 "",
	} {
		x, err := decode("u", "s", `{"v":1,"i":5,"u":"`+short+`"}`)
		if err != nil || x.UserAgent != want {
			t.Errorf("%q is read as %q, %v; want %q", short, x.UserAgent, err, want)
		}
		plain := `{"v":1,"i":5,"t":[],"ua":"` + want + `"}`
		if want == "" {
			plain = `{"v":1,"i":5,"t":[]}`
		}
		if got, err := encode(x); err != nil || got != plain {
			t.Errorf("%q is written as %s, %v; want %s", short, got, err, plain)
		}
	}
}

// Records of the first version, as they are in somebody's Redis by now. Add to
// these; never change one to make the test pass.
func TestRecordsOfOld(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	for _, tt := range []struct {
		text string
		want session.Record
	}{
		{
			`{"v":7,"i":1795906687085,"t":[1795301887085,7776000000,-85,null,12],"g":3,"rm":1,"e":"ada@example.com","r":"admin","ev":1,` +
				`"ip":"203.0.113.9","u":"` + "\x7fA\x7fH142\x7fK" + `"}`,
			session.Record{
				ID: "s", UserID: "u", Version: 7, IdleEnd: at(1795906687085), CreatedAt: at(1795301887085), AbsoluteEnd: at(1803077887085),
				IssuedAt: at(1795301887000), LastSeenAt: at(1795301887097), Generation: 3, Remember: true,
				Account: session.Account{Email: "ada@example.com", Role: session.RoleAdmin, EmailVerified: true}, IP: "203.0.113.9",
				UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
			},
		},
		{`{"v":0,"i":5,"ua":"` + "\x7fA forged \x7fZ" + `"}`, session.Record{ID: "s", UserID: "u", IdleEnd: at(5), UserAgent: "\x7fA forged \x7fZ"}},
		{`{"v":0,"i":5}`, session.Record{ID: "s", UserID: "u", IdleEnd: at(5)}},
	} {
		got, err := decode("u", "s", tt.text)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestRecordsComeBack(t *testing.T) {
	phrase := func(t *rapid.T) string {
		p := expandUserAgent("\x7f" + string(rapid.RuneFrom([]rune("ABCDEFGHIJKLMNO")).Draw(t, "phrase")))
		return p[rapid.IntRange(0, len(p)).Draw(t, "from"):]
	}
	text := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.Custom(phrase), rapid.String(), rapid.Just("\x7f"), rapid.Just("\x7fA")), 0, 5).Draw(t, "agent"), "")
	}))
	moment := rapid.OneOf(rapid.Just(time.Time{}), rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(-1<<45, 1<<45).Draw(t, "ms")).UTC()
	}))
	rapid.Check(t, func(t *rapid.T) {
		want := session.Record{
			ID: "s", UserID: "u", Version: rapid.Uint64().Draw(t, "version"),
			IdleEnd:   time.UnixMilli(rapid.Int64Range(1, 1<<45).Draw(t, "idle")).UTC(),
			CreatedAt: moment.Draw(t, "created"), AbsoluteEnd: moment.Draw(t, "absolute"), IssuedAt: moment.Draw(t, "issued"),
			ReceivedAt: moment.Draw(t, "received"), LastSeenAt: moment.Draw(t, "seen"),
			Generation: rapid.Uint32().Draw(t, "generation"), Remember: rapid.Bool().Draw(t, "remember"),
			Account: session.Account{
				Email: text.Draw(t, "email"), Name: text.Draw(t, "name"), Role: session.Role(rapid.StringMatching(`[a-z]*`).Draw(t, "role")),
				EmailVerified: rapid.Bool().Draw(t, "verified"), CreatedAt: moment.Draw(t, "account"),
			},
			IP: text.Draw(t, "ip"), UserAgent: text.Draw(t, "agent"),
		}
		stored, err := encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode("u", "s", stored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", stored, diff)
		}
	})
}
