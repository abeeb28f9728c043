package redisstore

import "strings"

// A User-Agent is the longest part of a record, and nearly all of it is what
// every browser says. These phrases are stored as a DEL (which no HTTP header
// holds) and a letter, which halves what a session takes up in Redis. A letter
// never changes its meaning; a new phrase takes a new one.
var phrases = [...]struct{ letter, phrase string }{
	{"A", "Mozilla/5.0 (Windows NT 10.0; Win64; x64"},
	{"B", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10"},
	{"C", "Mozilla/5.0 (X11; Linux x86_64"},
	{"D", "Mozilla/5.0 (iPhone; CPU iPhone OS "},
	{"E", "Mozilla/5.0 (iPad; CPU OS "},
	{"F", "Mozilla/5.0 (Linux; Android 10; K"},
	{"G", "Mozilla/5.0 ("},
	{"H", ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"},
	{"I", " like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/"},
	{"J", ") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/"},
	{"K", ".0.0.0 Safari/537.36"},
	{"L", ".0.0.0 Mobile Safari/537.36"},
	{"M", " Safari/605.1.15"},
	{"N", " Mobile/15E148 Safari/604.1"},
	{"O", ") Gecko/20100101 Firefox/"},
}

const mark = "\x7f"

// packed shortens a User-Agent, which must not hold the mark.
var packed, unpacked = func() (*strings.Replacer, *strings.Replacer) {
	var there, back []string
	for _, p := range phrases {
		there = append(there, p.phrase, mark+p.letter)
		back = append(back, mark+p.letter, p.phrase)
	}
	return strings.NewReplacer(there...), strings.NewReplacer(back...)
}()

// packUserAgent gives the two fields of a record, one of them empty.
func packUserAgent(text string) (short, whole string) {
	if strings.Contains(text, mark) {
		return "", text
	}
	return packed.Replace(text), ""
}

func unpackUserAgent(short, whole string) string {
	if whole != "" {
		return whole
	}
	return unpacked.Replace(short)
}
