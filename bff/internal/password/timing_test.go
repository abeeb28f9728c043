package password_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

// fastest is the least disturbed of a few runs. The factors below are
// generous: the mistakes they catch are of a factor of a thousand.
func fastest(runs int, f func()) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range runs {
		began := time.Now()
		f()
		best = min(best, time.Since(began))
	}
	return best
}

// Every kind of no costs one hash of the configured cost: an unknown account,
// a password that cannot be the one, an account brought along with a cheaper
// hash. Time must not tell who has an account.
func TestEveryNoCostsTheSame(t *testing.T) {
	const cost = 8
	h, weak := newHasher(t, cost), newHasher(t, quick)
	long := strings.Repeat("a long passphrase ", 6)
	ordinary, prehashed, cheap, cheapLong := hash(t, h, "correct horse"), hash(t, h, long), hash(t, weak, "correct horse"), hash(t, weak, long)
	wrong := fastest(3, func() { verify(t, h, ordinary, "wrong horse") })
	trivial := fastest(3, func() { verify(t, weak, cheap, "wrong horse") })
	if wrong < 3*trivial { // 16 times, really
		t.Fatalf("cost %d takes %s, cost %d takes %s: this machine cannot tell", cost, wrong, quick, trivial)
	}
	for name, c := range map[string]struct{ stored, pw string }{
		"unknown account":                      {"", "wrong horse"},
		"unknown account, empty password":      {"", ""},
		"unknown account, long password":       {"", long},
		"unknown account, NUL":                 {"", "wrong\x00horse"},
		"NUL":                                  {ordinary, "correct horse\x00"},
		"empty password":                       {ordinary, ""},
		"too long to be the one":               {ordinary, long},
		"too short to be the one":              {prehashed, "wrong horse"},
		"long and wrong":                       {prehashed, long + "x"},
		"hash of a lower cost":                 {cheap, "wrong horse"},
		"hash of a lower cost, long":           {cheapLong, long + "x"},
		"hash of a lower cost, cannot be":      {cheap, long},
		"hash of a lower cost, made elsewhere": {"$2b$04$yB1r1FYonIvCEGeb1GngJOXI5cPyNWc5GzBDXdWzdIjoNqexdblz2", "wrong horse"},
	} {
		took := fastest(3, func() {
			if ok, _ := verify(t, h, c.stored, c.pw); ok {
				t.Errorf("%s: yes", name)
			}
		})
		if took < wrong/4 || took > wrong*4 {
			t.Errorf("%s takes %s, a wrong password takes %s", name, took, wrong)
		}
	}
}

// A password made of everything that can be read as a letter has thousands of
// readings; judging one took 1.7 s of a core.
func TestJudgingAPasswordIsQuickWhateverItIs(t *testing.T) {
	const leet = "4@8({[<369&#!1/|0$5+7%2"
	ordinary := fastest(3, func() { password.Check(strings.Repeat("correct horse battery staple ", 8), "jane") })
	for name, pw := range map[string]string{
		"every symbol":                      leet,
		"every symbol and more":             leet + strings.Repeat("a", 49),
		"every symbol thrice":               strings.Repeat(leet, 3),
		"every symbol, 256 characters":      strings.Repeat(leet, 12)[:256],
		"symbols that mean several letters": strings.Repeat("1|7", 24),
		"256 alike":                         strings.Repeat("a", 256),
		"256 emoji":                         strings.Repeat("🔑🗝🔒🔓", 64),
		"combining marks":                   strings.Repeat("a\u0301\u0302\u0303", 60),
	} {
		if took := fastest(3, func() { password.Check(pw, "jane") }); took > 100*ordinary {
			t.Errorf("%s takes %s, an ordinary password takes %s", name, took, ordinary)
		}
	}
}

// zxcvbn's time grows with more than the square of the length.
func TestJudgingALongPasswordTakesNoLonger(t *testing.T) {
	short := fastest(5, func() { password.Check(strings.Repeat("1984", 18), "jane") })
	if took := fastest(5, func() { password.Check(strings.Repeat("1984", 64), "jane") }); took > 5*short {
		t.Errorf("256 characters take %s, 72 take %s", took, short)
	}
}
