package password_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

func TestCheckShape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ pw, want string }{
		"8 characters":               {"abcdefgh", ""},
		"7 characters":               {"abcdefg", "at least 8"},
		"empty":                      {"", "at least 8"},
		"8 characters, 16 bytes":     {strings.Repeat("é", 8), ""},
		"7 characters, 14 bytes":     {strings.Repeat("é", 7), "at least 8"},
		"8 emoji":                    {strings.Repeat("🔑", 8), ""},
		"2 emoji of 8 bytes":         {"🔑🔑", "at least 8"},
		"8 in NFC":                   {strings.Repeat("e\u0301", 8), ""},
		"14 code points, 7 in NFC":   {strings.Repeat("e\u0301", 7), "at least 8"},
		"256 characters":             {strings.Repeat("a", 256), ""},
		"257 characters":             {strings.Repeat("a", 257), "at most 256"},
		"256 emoji, 1024 bytes":      {strings.Repeat("🔑", 256), ""},
		"257 emoji":                  {strings.Repeat("🔑", 257), "at most 256"},
		"512 code points, 256 NFC":   {strings.Repeat("e\u0301", 256), ""},
		"spaces only":                {strings.Repeat(" ", 8), ""},
		"spaces around":              {"  abcd  ", ""},
		"NUL":                        {"abcd\x00efgh", "control character"},
		"line feed at the end":       {"abcdefgh\n", "control character"},
		"tab":                        {"abcd\tefgh", "control character"},
		"escape":                     {"abcd\x1befgh", "control character"},
		"delete":                     {"abcd\x7fefgh", "control character"},
		"C1 control":                 {"abcd\u0085efgh", "control character"},
		"no-break space":             {"abcd\u00a0efgh", ""},
		"joiner in an emoji":         {"👩\u200d🚀abcdef", ""},
		"invalid UTF-8":              {"abcdefgh\xff", "not valid text"},
		"half a surrogate":           {"abcdefgh\xed\xa0\x80", "not valid text"},
		"control character too long": {strings.Repeat("\x00", 300), "control character"},
	} {
		got := password.CheckShape(c.pw)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		// Check begins with the shape.
		if c.want != "" && password.Check(c.pw, "jane") != got {
			t.Errorf("%s: Check says %q", name, password.Check(c.pw, "jane"))
		}
	}
}

func TestGuessablePasswordsAreRefused(t *testing.T) {
	t.Parallel()
	for what, list := range map[string][]string{
		"common": {
			"password", "Password1!", "P@$$w0rd1", "12345678", "1234567890", "87654321", "letmein123", "iloveyou1", "trustno1", "football1",
			"sunshine1", "princess1", "welcome1", "admin123", "administrator", "changeme", "monkey123", "dragon12", "Summer2024!", "baseball",
		},
		"keyboard walk": {"qwertyui", "qwertyuiop", "1qaz2wsx", "zaq12wsx", "asdfghjkl", "q1w2e3r4", "1q2w3e4r5t", "qazwsxedc", "asdf1234", "zxcvbnm1", "!@#$%^&*", "kjhgfdsa"},
		"sequence":      {"abcdefgh", "abcd1234", "11112222", "a1b2c3d4"},
		"date":          {"19901990", "01/02/1990"},
		"repetition": {
			"aaaaaaaaaaaa", "abababababab", "abcabcabcabc", "passwordpassword", "qwertyqwerty", "éééééééé", "🔑🔑🔑🔑🔑🔑🔑🔑",
			"密码密码密码密码", "        ", strings.Repeat("🔑🔒", 40), strings.Repeat("e\u0301", 20), strings.Repeat("a", 256),
		},
		"our own name": {"gatehouse", "Gatehouse1", "gatehouse!", "g4teh0use", "gatehouse.gatehouse", "gatehouse-dev"},
	} {
		for _, pw := range list {
			if got := password.Check(pw, "somebody.else"); !strings.Contains(got, "too easy to guess") {
				t.Errorf("%s: %q: %q", what, pw, got)
			}
		}
	}
}

func TestGoodPasswordsAreTaken(t *testing.T) {
	t.Parallel()
	for _, pw := range []string{
		"motdepasse", "q7!Zb2@x", // scores 2 and 3: the least that is taken
		"correct horse battery staple", "kX9$vQ2m", "tr0ub4dor&3", "violet-Bagpipe-71", "четыре слова подряд", "密码学很有意思啊朋友",
		"🐙🎈🚲🌵🥑🎻🧊🪁", "  leading and trailing  ", strings.Repeat("correct horse battery staple ", 8),
		strings.Repeat("kX9$vQ2m", 32), "caf\u00e9 cre\u0300me bru\u0302l\u00e9e", "Passw0rd but with a story after it",
	} {
		if got := password.Check(pw, "jane.doe", "Jane Doe", ""); got != "" {
			t.Errorf("%q: %s", pw, got)
		}
	}
	if got := password.Check("correct horse battery staple", ""); got != "" {
		t.Errorf("without an email: %s", got)
	}
}

func TestEmailsNameIsRefused(t *testing.T) {
	t.Parallel()
	const strong = "-kX9$vQ2m-violet"
	for name, c := range map[string]struct{ pw, email, want string }{
		"at the start":         {"jane.doe" + strong, "jane.doe", "email's name"},
		"at the end":           {strong + "jane.doe", "jane.doe", "email's name"},
		"in the middle":        {strong + "jane.doe" + strong, "jane.doe", "email's name"},
		"in capitals":          {"JANE.DOE" + strong, "jane.doe", "email's name"},
		"email in capitals":    {"jane.doe" + strong, "JANE.DOE", "email's name"},
		"the name itself":      {"violet-bagpipe", "violet-bagpipe", "email's name"},
		"half of it":           {"jane" + strong, "jane.doe", ""},
		"a name of four":       {"jane" + strong, "jane", "email's name"},
		"a name of three":      {"jan" + strong, "jan", ""},
		"a name of one letter": {"violet-bagpipe-71", "v", ""},
		"no name":              {strong + strong, "", ""},
		"somebody else's":      {"jane.doe" + strong, "john.roe", ""},
	} {
		if got := password.Check(c.pw, c.email); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestThePersonsNameIsAWordThatIsTried(t *testing.T) {
	t.Parallel()
	const pw = "quaxolinthir1"
	for name, c := range map[string]struct {
		others []string
		easy   bool
	}{
		"not theirs":       {nil, false},
		"another's":        {[]string{"Jane Doe"}, false},
		"the name":         {[]string{"Quaxolinthir"}, true},
		"the last name":    {[]string{"Max Quaxolinthir"}, true},
		"with the wording": {[]string{"", "  Dr.  Max\u00a0 Quaxolinthir "}, true},
	} {
		if got := password.Check(pw, "somebody", c.others...); strings.Contains(got, "too easy") != c.easy {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestCheckIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5 {
				if password.Check("Password1!", "jane") == "" || password.Check("violet-Bagpipe-71", "jane") != "" {
					t.Error("another verdict under load")
				}
			}
		})
	}
	all.Wait()
}

// zxcvbn is somebody else's code that reads what strangers type.
func FuzzCheck(f *testing.F) {
	for _, pw := range []string{"password", "P@$$w0rd1", "01/02/1990", "İİİİİİİİ", "ßẞſK", "\xff\xfe", "1|!7(1|!7(", "🔑aaaa1990qwerty", "e\u0301e\u0301"} {
		f.Add(pw, "jane.doe", "Jane İ Doe")
	}
	f.Fuzz(func(t *testing.T, pw, email, name string) {
		problem := password.Check(pw, email, name)
		if shape := password.CheckShape(pw); shape != "" && problem != shape {
			t.Errorf("the shape is wrong (%s) and Check says %q", shape, problem)
		}
	})
}

// zxcvbn looked up every part of every reading of the symbols in a password:
// 70 ms of a core for 24 characters that are made for it, before any limit.
func TestJudgingAPasswordIsBoundedWork(t *testing.T) {
	t.Parallel()
	const bound = password.MaxScored * password.MaxScored
	for _, c := range costly {
		if n := password.LeetLookups(c.pw); n > bound {
			t.Errorf("%s: %d look-ups, want %d at most", c.name, n, bound)
		}
	}
	for pw, want := range map[string]int{
		"password":    8 * 8,               // one reading
		"p@ssw0rd":    8 * 8,               // one
		"p@4ssw0rd":   2 * 9 * 9,           // two symbols for a
		"1etme1n":     2 * 7 * 7,           // one for i and l
		"$5+7 and so": 2 * 2 * 2 * 11 * 11, // two for s, two for t; 7 is either of two
		"1etme|n!":    24 * 8 * 8,          // three for i, two for l; two of them are either
		"1etme|n!$5":  0,                   // too many: taken as symbols
	} {
		if got := password.LeetLookups(pw); got != want {
			t.Errorf("%q: %d look-ups, want %d", pw, got, want)
		}
	}
}

// Normalising is not free either, and what is normalised was bounded by the
// body alone.
func TestLongTextIsRefusedBeforeItIsNormalised(t *testing.T) {
	decomposed := strings.Repeat("e\u0301", 20_000)
	if n := testing.AllocsPerRun(10, func() { password.TooLong(decomposed); password.CheckShape(decomposed) }); n != 0 {
		t.Errorf("%v allocations: it is normalised", n)
	}
	for name, c := range map[string]struct {
		pw   string
		long bool
	}{
		"256 of four code points each": {strings.Repeat("\u03b1\u0313\u0300\u0345", 256), false}, // \u1f82 each
		"257 of them":                  {strings.Repeat("\u03b1\u0313\u0300\u0345", 257), true},
		"64 KiB":                       {strings.Repeat("e\u0301", 20_000), true},
		"64 KiB of marks on a letter":  {"e" + strings.Repeat("\u0301", 20_000), true},
	} {
		if password.TooLong(c.pw) != c.long || strings.Contains(password.CheckShape(c.pw), "at most 256") != c.long {
			t.Errorf("%s: too long %v, %q", name, password.TooLong(c.pw), password.CheckShape(c.pw))
		}
	}
}
