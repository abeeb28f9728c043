package auth

import (
	"strings"

	"golang.org/x/net/idna"
)

// Email is an address in two forms.
type Email struct {
	// Address is the typed address, trimmed, with the domain in its lower-case
	// ASCII form. Mail is sent only here.
	Address string
	// Key identifies the account: Address in lower case, ASCII only. Two
	// addresses with one Key are one account.
	Key string
}

const (
	maxEmailBytes = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets
	maxLocalBytes = 64  // RFC 5321 §4.5.3.1.1
	// A name of 253 ASCII bytes comes from at most as many characters, of at
	// most four bytes.
	maxDomainBytes = 4 * 253
)

// ParseEmail parses an address. The local part must be ASCII: Unicode case
// folding made "İ" and the Kelvin sign "K" into other people's letters, and a
// database collation made ádmin@ into admin@. The returned message says what to
// correct.
func ParseEmail(s string) (Email, string) {
	s = strings.Trim(s, " \t\r\n")
	if s == "" {
		return Email{}, "Enter an email address."
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return Email{}, "Enter an address like name@example.com."
	}
	local, domain := s[:at], s[at+1:]
	if len(local) > maxLocalBytes || len(domain) > maxDomainBytes {
		// Before IDNA, whose work grows with the square of the length: one
		// request of 63 KB held a core for seconds.
		return Email{}, "The address is too long."
	}
	if problem := checkLocalPart(local); problem != "" {
		return Email{}, problem
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !plausibleDomain(ascii) {
		return Email{}, "The part after the @ is not a domain name."
	}
	address := local + "@" + strings.ToLower(ascii)
	if len(address) > maxEmailBytes {
		return Email{}, "The address is too long."
	}
	return Email{Address: address, Key: lowerASCII(address)}, ""
}

// checkLocalPart accepts RFC 5322's dot-atom. Quoted local parts are valid,
// unused in practice and a steady source of header injection.
func checkLocalPart(local string) string {
	const atext = "!#$%&'*+-/=?^_`{|}~"
	for i := 0; i < len(local); i++ {
		c := local[i]
		switch {
		case c >= 0x80:
			return "Use only plain letters, digits and signs before the @."
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(atext, c) >= 0:
		case c == '.' && i > 0 && i < len(local)-1 && local[i-1] != '.':
		default:
			return "The part before the @ holds a character that addresses do not have."
		}
	}
	return ""
}

func plausibleDomain(d string) bool {
	if len(d) > 253 {
		return false
	}
	for label := range strings.SplitSeq(d, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			c := label[i]
			if !(c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
				return false
			}
		}
	}
	return true
}

// lowerASCII exists because strings.ToLower folds letters outside ASCII.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// localPart returns the part that a password must not contain.
func (e Email) localPart() string {
	local, _, _ := strings.Cut(e.Key, "@")
	return local
}
