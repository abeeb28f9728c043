package password_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

const quick = bcrypt.MinCost

func newHasher(t testing.TB, cost int) *password.Hasher {
	t.Helper()
	h, err := password.NewHasher(cost, 4, 64)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hash(t testing.TB, h *password.Hasher, pw string) string {
	t.Helper()
	stored, err := h.Hash(t.Context(), password.Party{}, pw)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// verify wants a clear answer; rehash is looked at by the tests that mean it.
func verify(t testing.TB, h *password.Hasher, stored, pw string) (ok, rehash bool) {
	t.Helper()
	ok, rehash, err := h.Verify(t.Context(), password.Party{}, stored, pw)
	if err != nil {
		t.Fatalf("verify %q: %v", pw, err)
	}
	return ok, rehash
}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := newHasher(t, quick)
	seventyTwo := strings.Repeat("0123456789ab", 6)
	const eacuteNFC, eacuteNFD = "caf\u00e9-au-lait", "cafe\u0301-au-lait"
	hangulNFC, hangulNFD := strings.Repeat("\ud55c", 24), strings.Repeat("\u1112\u1161\u11ab", 24) // 72 and 216 bytes
	for name, c := range map[string]struct {
		right string
		also  []string // other spellings of it
		wrong []string
	}{
		"ordinary": {
			right: "correct horse battery",
			wrong: []string{
				"", " ", "correct horse batter", "correct horse batteryy", "Correct horse battery", " correct horse battery",
				"correct horse battery ", "correct horse battery\x00", "correct horse battery\n", "correct\u00a0horse battery",
				"correct horse battery\x00correct horse battery",
			},
		},
		"short of a cycle": {right: "pw", wrong: []string{"pw\x00pw", "pw\x00", "pwpw", "p", "pw\x00pw\x00pw"}},
		"72 bytes":         {right: seventyTwo, wrong: []string{seventyTwo[:71], seventyTwo + "x", seventyTwo + "\x00", seventyTwo + seventyTwo}},
		"73 bytes":         {right: seventyTwo + "x", wrong: []string{seventyTwo, seventyTwo + "y", seventyTwo + "xx", seventyTwo + "x\x00"}},
		"the same 72 bytes": {
			right: seventyTwo + " and then one thing",
			wrong: []string{seventyTwo, seventyTwo + " and then another", seventyTwo + " and then one thing ", seventyTwo + " and then one thin"},
		},
		"256 emoji":         {right: strings.Repeat("🔑", 256), wrong: []string{strings.Repeat("🔑", 255), strings.Repeat("🔑", 18)}},
		"typed on a PC":     {right: eacuteNFC, also: []string{eacuteNFD}, wrong: []string{"cafe-au-lait", "caf\u00e8-au-lait"}},
		"typed on a Mac":    {right: eacuteNFD, also: []string{eacuteNFC}, wrong: []string{"cafe-au-lait"}},
		"72 bytes once NFC": {right: hangulNFD, also: []string{hangulNFC}, wrong: []string{hangulNFC + "x"}},
		"more than 72, NFC": {right: hangulNFC + "\u00e9", also: []string{hangulNFD + "e\u0301"}, wrong: []string{hangulNFC, hangulNFC + "e"}},
		"spaces around":     {right: "  padded pass  ", wrong: []string{"padded pass", " padded pass "}},
		"not folded":        {right: "ﬁnancial Ａ ①", wrong: []string{"financial A 1"}}, // NFKC would
	} {
		stored := hash(t, h, c.right)
		for _, pw := range append(c.also, c.right) {
			if ok, rehash := verify(t, h, stored, pw); !ok || rehash {
				t.Errorf("%s: %q: ok %v, rehash %v; want a plain yes", name, pw, ok, rehash)
			}
		}
		for _, pw := range c.wrong {
			if ok, rehash := verify(t, h, stored, pw); ok || rehash {
				t.Errorf("%s: %q: ok %v, rehash %v; want a plain no", name, pw, ok, rehash)
			}
		}
		if again := hash(t, h, c.right); again == stored {
			t.Errorf("%s: two hashes alike: no salt", name)
		}
	}
}

// bcrypt stops at a NUL. Other control characters are refused in new passwords,
// but hashes made elsewhere hold them.
func TestOfControlCharactersOnlyNULNeverVerifies(t *testing.T) {
	t.Parallel()
	h := newHasher(t, quick)
	for _, control := range []string{"\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\u0085", "\u009f"} {
		pw := "some pass" + control + "word"
		if ok, _ := verify(t, h, hash(t, h, pw), pw); ok != (control != "\x00") {
			t.Errorf("%q verifies: %v", pw, ok)
		}
	}
}

// What decides is the stored hash's scheme, never what the password looks like.
func TestPrehashCannotBeConfused(t *testing.T) {
	t.Parallel()
	h := newHasher(t, quick)
	const prefix = "$gh1"
	long := strings.Repeat("a long passphrase ", 6)
	stored := hash(t, h, long)
	bare, ok := strings.CutPrefix(stored, prefix)
	if !ok || !strings.HasPrefix(bare, "$2a$") {
		t.Fatalf("a long password is stored as %.8q", stored)
	}
	mac := hmac.New(sha256.New, []byte("gatehouse password pre-hash v1"))
	mac.Write([]byte(long))
	input := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if err := bcrypt.CompareHashAndPassword([]byte(bare), []byte(input)); err != nil {
		t.Fatalf("the stored hash is not what this test attacks: %v", err)
	}
	short := "an ordinary one"
	for name, c := range map[string]struct{ stored, pw string }{
		"what bcrypt saw, as a password":            {stored, input},
		"what bcrypt saw, prefix taken away":        {bare, long},
		"prefix put before an ordinary hash":        {prefix + hash(t, h, short), short},
		"prefix as part of the password":            {stored, prefix + long},
		"prefix twice":                              {prefix + stored, long},
		"the first 72 bytes":                        {stored, long[:72]},
		"the stored hash itself":                    {stored, stored},
		"an ordinary hash for a long password":      {hash(t, h, long[:72]), long},
		"what bcrypt saw, hashed as somebody's own": {hash(t, h, input), long},
	} {
		ok, _, err := h.Verify(t.Context(), password.Party{}, c.stored, c.pw)
		if ok {
			t.Errorf("%s verifies (%v)", name, err)
		}
	}
	if ok, _ := verify(t, h, stored, long); !ok {
		t.Error("the right one does not verify")
	}
	if ok, _ := verify(t, h, hash(t, h, input), input); !ok {
		t.Error("44 characters of base64 are a password like any other")
	}
}

// Made by earlier versions or other software, kept in databases: they must
// verify for good.
func TestHashesOfOldVerify(t *testing.T) {
	t.Parallel()
	const horse = "correct horse battery staple"
	for name, c := range map[string]struct {
		stored, pw  string
		cost        int
		rehash, not bool
	}{
		// npm bcryptjs 3.0.3
		"bcryptjs 2a":           {stored: "$2a$04$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce", pw: horse, cost: 4},
		"bcryptjs 2b":           {stored: "$2b$04$yB1r1FYonIvCEGeb1GngJOXI5cPyNWc5GzBDXdWzdIjoNqexdblz2", pw: horse, cost: 4},
		"bcryptjs, lower cost":  {stored: "$2b$04$yB1r1FYonIvCEGeb1GngJOXI5cPyNWc5GzBDXdWzdIjoNqexdblz2", pw: horse, cost: 5, rehash: true},
		"bcryptjs at 10":        {stored: "$2a$10$x8l1WIvLnA3iQm3OPrQYNu/stKqb1BUn.ewSMsOD0OsG9TPgD2lPW", pw: horse, cost: 11, rehash: true},
		"bcryptjs, higher cost": {stored: "$2b$05$k4B0Mqi94xdP4UveSpkspe3/QAJYk..x95KdAFrKulR5Om7CXeTD6", pw: horse, cost: 4},
		"bcryptjs, Unicode":     {stored: "$2b$04$f6GtpgZ4BV/MS6caYSPJCe5Qp8ZexSpZ.dkp1UaEV8DpSQSTC7dLC", pw: "pässwörd → 密码 🔑", cost: 4},
		"bcryptjs, 72 bytes":    {stored: "$2a$04$6IUfyneI/Ntaqe5KChvY8.RpYwklPhiu8mJH0.6N7z2xisld1euii", pw: strings.Repeat("a", 72), cost: 4, rehash: true},
		"bcryptjs, cut at 72":   {stored: "$2a$04$6IUfyneI/Ntaqe5KChvY8.RpYwklPhiu8mJH0.6N7z2xisld1euii", pw: strings.Repeat("a", 73), cost: 4, rehash: true},
		"bcryptjs, 71 of 72":    {stored: "$2a$04$6IUfyneI/Ntaqe5KChvY8.RpYwklPhiu8mJH0.6N7z2xisld1euii", pw: strings.Repeat("a", 71), cost: 4, not: true},
		"bcryptjs, wrong":       {stored: "$2b$04$yB1r1FYonIvCEGeb1GngJOXI5cPyNWc5GzBDXdWzdIjoNqexdblz2", pw: horse + "s", cost: 4, not: true},
		// Gatehouse, pre-hash v1
		"our own, long":        {stored: "$gh1$2a$04$8IkdJh8FgN9fxqEAs6Qrve2uO1Y7kq8iteWpa4VMrHR6QoSzyFvvO", pw: strings.Repeat("long passphrase ", 6), cost: 4},
		"our own, long, lower": {stored: "$gh1$2a$04$8IkdJh8FgN9fxqEAs6Qrve2uO1Y7kq8iteWpa4VMrHR6QoSzyFvvO", pw: strings.Repeat("long passphrase ", 6), cost: 5, rehash: true},
		"our own, long, wrong": {stored: "$gh1$2a$04$8IkdJh8FgN9fxqEAs6Qrve2uO1Y7kq8iteWpa4VMrHR6QoSzyFvvO", pw: strings.Repeat("long passphrase ", 7), cost: 4, not: true},
	} {
		ok, rehash := verify(t, newHasher(t, c.cost), c.stored, c.pw)
		if ok == c.not || rehash != c.rehash {
			t.Errorf("%s: ok %v, rehash %v", name, ok, rehash)
		}
	}
}

func TestUnknownAccountIsANo(t *testing.T) {
	t.Parallel()
	h := newHasher(t, quick)
	for _, pw := range []string{"", "any", "gatehouse: nobody's password", strings.Repeat("long ", 30), "\x00"} {
		if ok, rehash := verify(t, h, "", pw); ok || rehash {
			t.Errorf("%q: ok %v, rehash %v", pw, ok, rehash)
		}
	}
}

func TestNewHasherRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cost, concurrent, waiting int
		bad                       bool
	}{
		"smallest":         {quick, 1, 0, false},
		"no slot":          {quick, 0, 5, true},
		"negative slots":   {quick, -1, 5, true},
		"negative waiting": {quick, 1, -1, true},
		"cost too high":    {bcrypt.MaxCost + 1, 1, 0, true},
	} {
		if _, err := password.NewHasher(c.cost, c.concurrent, c.waiting); (err != nil) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHashUsesTheConfiguredCost(t *testing.T) {
	t.Parallel()
	for _, pw := range []string{"an ordinary one", strings.Repeat("a long one ", 12)} {
		stored, err := newHasher(t, 6).Hash(context.Background(), password.Party{}, pw)
		if err != nil {
			t.Fatal(err)
		}
		if cost, err := bcrypt.Cost([]byte(strings.TrimPrefix(stored, "$gh1"))); err != nil || cost != 6 {
			t.Errorf("cost %d, %v", cost, err)
		}
	}
}
