package password

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/adjacency"
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
	// zxcvbn's matching grows with more than the square of the length; the
	// start of a password this long decides its score anyway.
	maxScored = 40
	// zxcvbn tries every reading of "4@({[<69!1|$5+7" as letters, and looks up
	// every part of each: 1.7 s of a core for a long password that is made for
	// it, 70 ms for one of 24 characters. Beyond so many look-ups, which are no
	// more than those of maxScored characters as they are, symbols are taken as
	// symbols.
	maxLeetLookups = maxScored * maxScored
	// Fewer different characters than this are a repetition; zxcvbn sees one
	// in ASCII only.
	minDistinct = 4
	// A local part shorter than this is inside half of all passwords.
	minNameInPassword = 4
	// maxBytes is more than MaxLength characters are in any spelling: each is
	// made of four code points at most, of four bytes each. What is longer is
	// refused without being normalised.
	maxBytes = 16 * MaxLength
)

// TooLong reports whether pw is longer than any password may be. It counts as
// CheckShape does, after NFC: a password that was taken decomposed must be
// taken again.
func TooLong(pw string) bool {
	return len(pw) > maxBytes || utf8.RuneCountInString(norm.NFC.String(pw)) > MaxLength
}

// CheckShape returns the reason why pw cannot be a password, or "". It is
// cheap and comes before any hashing.
func CheckShape(pw string) string {
	if !utf8.ValidString(pw) {
		return "The password is not valid text."
	}
	if len(pw) > maxBytes {
		return tooLong
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
		return tooLong
	}
	return ""
}

const tooLong = "Use at most 256 characters."

// Judge returns the reason why pw is refused as a new password, or "". emailName is the
// part of the account's address before the @; others are further words that
// an attacker would try, such as the person's name. The computation takes
// its turn among the hashes: a crafted password took a core from all others.
// Errors are those of Hash.
func (h *Hasher) Judge(ctx context.Context, party Party, pw, emailName string, others ...string) (problem string, err error) {
	if problem := CheckShape(pw); problem != "" {
		return problem, nil
	}
	release, err := h.acquire(ctx, party)
	if err != nil {
		return "", err
	}
	defer release()
	if h.observe.Judges != nil {
		h.observe.Judges()
	}
	return check(pw, emailName, others...), nil
}

func check(pw, emailName string, others ...string) string {
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
	for _, r := range runes {
		distinct[r] = true
	}
	if len(distinct) < minDistinct {
		return 0
	}
	var without []func(match.Matcher) bool
	if leetLookups(runes, distinct) > maxLeetLookups {
		without = append(without, matching.FilterL33tMatcher)
	}
	return zxcvbn.PasswordStrength(string(runes), words, without...).Score
}

// leetLookups is what zxcvbn would do to read symbols as letters: it looks up
// every part of each reading.
func leetLookups(runes []rune, distinct map[rune]bool) int {
	return leetReadings(distinct) * len(runes) * len(runes)
}

// leetReadings is how many ways there are, for zxcvbn, to read a password of
// these characters as letters: each letter that several of them may stand for
// multiplies, and so does each that may stand for several letters.
func leetReadings(distinct map[rune]bool) int {
	readings := 1
	letters := map[rune]int{}
	for _, symbols := range adjacency.GraphMap["l33t"].Graph {
		present := 0
		for _, s := range symbols {
			symbol, _ := utf8.DecodeRuneInString(s)
			if distinct[symbol] {
				present++
				letters[symbol]++
			}
		}
		readings *= max(1, present)
	}
	for _, n := range letters {
		readings *= n
	}
	return readings
}
