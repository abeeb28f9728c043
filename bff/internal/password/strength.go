package password

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/frequency"
	"github.com/ccojocar/zxcvbn-go/match"
	"github.com/ccojocar/zxcvbn-go/matching"
	"golang.org/x/text/unicode/norm"
)

// Length bounds in characters, after NFC.
const (
	MinLength = 8
	MaxLength = 256
)

const (
	minScore = 2 // zxcvbn: 2 is "somewhat guessable", above 10^6 guesses
	// zxcvbn's matching grows faster than linearly; the start of a password
	// this long decides its score anyway.
	maxScored = 72
	// zxcvbn tries every reading of "4@8({[<3…" as letters, thousands of them
	// for a long password that is made for it: 1.7 s of a core, before any
	// queue. Beyond both bounds symbols are taken as they are.
	maxLeetLength  = 24
	maxLeetSymbols = 5
	// Fewer different characters than this are a repetition; zxcvbn sees one
	// in ASCII only.
	minDistinct = 4
	// A local part shorter than this is inside half of all passwords.
	minNameInPassword = 4
)

// zxcvbn has made its dictionaries of these lists by now, and would keep 2 MB of
// them for nothing.
func init() { clear(frequency.Lists) }

// TooLong reports whether pw cannot be anybody's password. It counts as
// CheckShape does, after NFC: a password that was taken decomposed must be
// taken again.
func TooLong(pw string) bool { return utf8.RuneCountInString(norm.NFC.String(pw)) > MaxLength }

// CheckShape says what keeps pw from being anybody's password, or "". It is
// cheap and comes before any hashing.
func CheckShape(pw string) string {
	if !utf8.ValidString(pw) {
		return "The password is not valid text."
	}
	pw = norm.NFC.String(pw)
	for _, r := range pw {
		if unicode.IsControl(r) {
			return "The password holds a control character."
		}
	}
	switch n := utf8.RuneCountInString(pw); {
	case n < MinLength:
		return "Use at least 8 characters."
	case n > MaxLength:
		return "Use at most 256 characters."
	}
	return ""
}

// Check says what is wrong with pw as a new password, or "". emailName is the
// part of the account's address before the @; others are further words that
// an attacker would try, such as the person's name.
func Check(pw, emailName string, others ...string) string {
	if problem := CheckShape(pw); problem != "" {
		return problem
	}
	pw = norm.NFC.String(pw)
	lower := strings.ToLower(pw)
	if len(emailName) >= minNameInPassword && strings.Contains(lower, strings.ToLower(emailName)) {
		return "The password must not contain your email's name."
	}
	words := []string{emailName, "gatehouse"}
	for _, o := range others {
		words = append(append(words, o), strings.Fields(o)...)
	}
	if score(pw, words) < minScore {
		return "This password is too easy to guess. Use several unrelated words, or a longer mix."
	}
	return ""
}

// score is zxcvbn's, 0 to 4, in bounded time.
func score(pw string, words []string) int {
	runes := []rune(pw)
	runes = runes[:min(len(runes), maxScored)]
	distinct := map[rune]bool{}
	leet := 0
	for _, r := range runes {
		if !distinct[r] && strings.ContainsRune(leetSymbols, r) {
			leet++
		}
		distinct[r] = true
	}
	if len(distinct) < minDistinct {
		return 0
	}
	var without []func(match.Matcher) bool
	if len(runes) > maxLeetLength && leet > maxLeetSymbols {
		without = append(without, matching.FilterL33tMatcher)
	}
	return zxcvbn.PasswordStrength(string(runes), words, without...).Score
}

// leetSymbols is what zxcvbn reads as letters.
const leetSymbols = "4@8({[<369&#!1/|0$5+7%2"
