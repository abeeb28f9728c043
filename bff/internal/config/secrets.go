package config

import "strings"

const minSecretBytes = 32

// secrets splits the rotation lists and refuses values that an attacker would guess.
func (v *variables) secrets(c *Config, mistakes *problems) {
	c.AccessSecrets = splitSecrets("JWT_ACCESS_SECRET", v.JWTAccessSecret, mistakes)
	c.RefreshSecrets = splitSecrets("JWT_REFRESH_SECRET", v.JWTRefreshSecret, mistakes)
	for _, a := range c.AccessSecrets {
		for _, r := range c.RefreshSecrets {
			if a == r {
				mistakes.addf("JWT_ACCESS_SECRET and JWT_REFRESH_SECRET share a value; `gatehouse keys` prints two")
				return
			}
		}
	}
}

func splitSecrets(name, value string, mistakes *problems) []Secret {
	if value == "" {
		return nil
	}
	var out []Secret
	for s := range strings.SplitSeq(value, ",") {
		switch {
		case len(s) < minSecretBytes:
			mistakes.addf("%s has a value of %d bytes; at least %d are needed, `gatehouse keys` prints one", name, len(s), minSecretBytes)
		case strings.Contains(s, byteOrderMark):
			mistakes.addf("%s has a byte order mark inside; save its parts as UTF-8 without one", name)
		case strings.TrimSpace(s) != s:
			// "new, old": with the space the old secret verifies no token, and all
			// sessions end.
			mistakes.addf("%s has a value with white space around it; write new,old without", name)
		case isPlaceholder(s):
			mistakes.addf("%s looks like a placeholder; `gatehouse keys` prints a real one", name)
		}
		out = append(out, Secret(s))
	}
	return out
}

// isPlaceholder recognises secrets pasted from examples: words that are to be
// replaced, strings of few different bytes, and a short string repeated. A name in
// front of random bytes is accepted.
func isPlaceholder(s string) bool {
	lower := strings.ToLower(s)
	for _, word := range []string{"changeme", "change-me", "change_me", "change this", "replace", "placeholder", "your-", "your_", "xxxxxx",
		"example", "my-secret", "very-secret", "super-secret", "supersecret"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	if period := strings.Index((s + s)[1:], s) + 1; period < minSecretBytes/2 {
		return true
	}
	distinct := map[byte]bool{}
	for i := range len(s) {
		distinct[s[i]] = true
	}
	return len(distinct) < 8
}
