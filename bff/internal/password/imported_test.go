package password_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

// imported are hashes that libxcrypt made, as other software has them: it takes
// the bytes as they come, and the first 72 of them.
var imported = []struct {
	name, stored, right string
	raised              bool // a yes replaces it, whatever its cost
	also, wrong         []string
}{
	{
		name: "83 bytes", stored: "$2b$04$QSg0UKBq45bbgD66JJjhO.541wP/8ttpQdOt1CHlzD6u2X8AHBFIi",
		right: "the quick brown fox jumps over the lazy dog and then once more, to be certain of it", raised: true,
		also:  []string{"the quick brown fox jumps over the lazy dog and then once more, to be ce"}, // all that it knows
		wrong: []string{"the quick brown fox jumps over the lazy dog and then once more, to be c", "The quick brown fox jumps over the lazy dog and then once more, to be certain of it"},
	},
	{
		name: "33 kana", stored: "$2a$04$QSg0UKBq45bbgD66JJjhO.r7j8WL6h8qUP4azdvfRue24UhJW1N2G",
		right: "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむ", raised: true,
		wrong: []string{"あいうえおかきくけこさしすせそたちつてとなにぬ", "いいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむ"},
	},
	{
		name: "72 bytes", stored: "$2b$04$QSg0UKBq45bbgD66JJjhO.9ZncurKtzXpMzJchsYZNgBr5/hccE4.",
		right: strings.Repeat("0123456789ab", 6), raised: true,
		wrong: []string{strings.Repeat("0123456789ab", 6)[:71]},
	},
	{
		name: "cut within a character", stored: "$2b$04$QSg0UKBq45bbgD66JJjhO.3.nPn3xns7To39XofOSzei8VGWepiUu",
		right: "x" + strings.Repeat("é", 40), raised: true,
		wrong: []string{"x" + strings.Repeat("é", 35), "x" + strings.Repeat("é", 35) + "\ufffd"},
	},
	{
		name: "decomposed", stored: "$2y$04$QSg0UKBq45bbgD66JJjhO.PKVaN5CluJLikjE6.NDdz3q.tU6IZf6",
		right: "cafe\u0301 au lait", raised: true,
		wrong: []string{"cafe au lait", "café  au lait"},
	},
	{
		name: "decomposed and long", stored: "$2a$04$QSg0UKBq45bbgD66JJjhO.2BO0UCfQ/B5HFBg/oA5jx7sDIQjAk2W",
		right: "cafe\u0301" + strings.Repeat(" au lait", 10), raised: true,
		wrong: []string{"cafe" + strings.Repeat(" au lait", 10)},
	},
	{
		name: "with tabs", stored: "$2y$04$QSg0UKBq45bbgD66JJjhO.wWnND8.hzzSI5CZtFCMq9ZCj2YwKxES",
		right: "tab\there and there",
		wrong: []string{"tab here and there", "tab\there and there\x00", "tab\there and there\x00x"},
	},
}

// The password of a hash that another system made was refused for good when it was
// longer than 72 bytes, decomposed, or held a tab: right password 401.
func TestImportedHashesAreReadAsTheyWereMade(t *testing.T) {
	t.Parallel()
	h := newHasher(t, quick)
	for _, c := range imported {
		for _, right := range append(c.also, c.right) {
			if ok, rehash := verify(t, h, c.stored, right); !ok || rehash != c.raised {
				t.Errorf("%s: %q: ok %v, rehash %v; want yes, %v", c.name, right, ok, rehash, c.raised)
			}
		}
		for _, wrong := range append(c.wrong, "") {
			if ok, _ := verify(t, h, c.stored, wrong); ok {
				t.Errorf("%s: %q verifies", c.name, wrong)
			}
		}
		// Made anew, it fits this password and nothing that is cut or typed in
		// another form of bytes.
		own := hash(t, h, c.right)
		if ok, rehash := verify(t, h, own, c.right); !ok || rehash {
			t.Errorf("%s, made anew: ok %v, rehash %v", c.name, ok, rehash)
		}
		for _, longer := range []string{c.right + "x", c.right + " ", c.right[:min(72, len(c.right))] + "x"} {
			if ok, _ := verify(t, h, own, longer); ok && longer != c.right {
				t.Errorf("%s, made anew: %q verifies", c.name, longer)
			}
		}
	}
}

// A hash of all 72 bytes that bcrypt reads fits whatever follows them.
func TestNothingLongerFitsAHashOfOurs(t *testing.T) {
	t.Parallel()
	h := newHasher(t, quick)
	for _, n := range []int{8, 70, 71, 72, 73, 144} {
		pw := strings.Repeat("0123456789ab", 12)[:n]
		stored := hash(t, h, pw)
		for _, longer := range []string{pw + "x", pw + " ", pw + pw, pw + "\x00", pw + "é"} {
			if ok, _ := verify(t, h, stored, longer); ok {
				t.Errorf("%d bytes: %q verifies", n, longer)
			}
		}
		if ok, rehash := verify(t, h, stored, pw); !ok || rehash {
			t.Errorf("%d bytes: ok %v, rehash %v", n, ok, rehash)
		}
	}
}

// unreadable are stored hashes that no password can be compared with.
var unreadable = map[string]string{
	"argon2id":            "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
	"LDAP":                "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
	"scrypt":              "scrypt:32768:8:1$salt$0123456789abcdef",
	"PBKDF2":              "pbkdf2_sha256$600000$salt$hash=",
	"SHA-512 crypt":       "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
	"PHP's old mistake":   "$2x$04$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	"the first bcrypt":    "$2$04$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	"cut off":             "$2b$04$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZc",
	"with a line feed":    "$2b$04$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce\n",
	"no cost":             "$2b$xx$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	"cost 3":              "$2b$03$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	"cost 17":             "$2b$17$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	"cost 31":             "$2b$31$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	"cost 99":             "$2b$99$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	"our prefix alone":    "$gh1",
	"our prefix and LDAP": "$gh1{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
	"a password":          "correct horse battery staple",
}

// Such a hash answered 500 within a millisecond, which told that there is
// such an account; one of cost 31 held a worker for days.
func TestUnreadableHashIsANoThatTheOperatorHearsOf(t *testing.T) {
	t.Parallel()
	h := newHasher(t, quick)
	for name, stored := range unreadable {
		for _, pw := range []string{"correct horse battery staple", strings.Repeat("long ", 30), "cafe\u0301", stored} {
			ok, rehash, err := h.Verify(t.Context(), password.Party{}, stored, pw)
			if ok || rehash || !errors.Is(err, password.ErrUnreadableHash) {
				t.Errorf("%s, %q: ok %v, rehash %v, %v; want a no and ErrUnreadableHash", name, pw, ok, rehash, err)
			} else if strings.Contains(err.Error(), pw) || strings.Contains(err.Error(), stored) {
				t.Errorf("%s: the error holds the password or the hash: %v", name, err)
			}
		}
	}
}

// Every no is as much work as every other for the same password, whether there
// is an account, and whatever its hash is: time must not tell.
func TestEveryNoCostsTheSame(t *testing.T) {
	t.Parallel()
	const cost = 10
	h := newHasher(t, quick)
	long := strings.Repeat("a long passphrase ", 6)
	stored := map[string]string{
		"unknown account": "", "ours": hash(t, newHasher(t, cost), "correct horse"), "ours, long": hash(t, newHasher(t, cost), long),
		"cheap": hash(t, h, "correct horse"), "cheap, long": hash(t, h, long),
	}
	for _, c := range imported {
		stored["imported: "+c.name] = c.stored
	}
	for name, s := range unreadable {
		stored["unreadable: "+name] = s
	}
	for what, c := range map[string]struct {
		pw    string
		times int
	}{
		"ordinary":            {"wrong horse", 1},
		"empty":               {"", 1},
		"72 bytes":            {strings.Repeat("x", 72), 1},
		"long":                {strings.Repeat("x", 200), 1},
		"composed":            {"caf\u00e9 au lait?", 1},
		"decomposed":          {"cafe\u0301 au lait?", 2},
		"decomposed and long": {strings.Repeat("e\u0301", 80), 2},
		"decomposed late":     {strings.Repeat("x", 80) + "e\u0301", 1}, // bcrypt would not see the difference
		"a tab":               {"wrong\thorse", 1},
		"NUL":                 {"wrong\x00horse", 1},
		"NUL, decomposed":     {"wrong\x00hors\u0065\u0301", 2},
	} {
		for name, s := range stored {
			counting, err := password.NewHasher(quick, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			counting = counting.AtCost(cost)
			work := counting.Work(func(hash []byte) int { n, _ := bcrypt.Cost(hash); return n }, bcrypt.ErrMismatchedHashAndPassword)
			if ok, _, err := counting.Verify(t.Context(), password.Party{}, s, c.pw); ok || err != nil && !errors.Is(err, password.ErrUnreadableHash) {
				t.Fatalf("%s, %s: ok %v, %v", name, what, ok, err)
			}
			if want := c.times << cost; *work != want {
				t.Errorf("%s, %s: work %d, want %d", name, what, *work, want)
			}
		}
	}
}
