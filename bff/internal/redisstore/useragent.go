package redisstore

import "strings"

// phrases of User-Agents are in old records as a DEL (which no HTTP header holds)
// and a letter. The next swap of such a record writes them whole.
var phrases = strings.NewReplacer(
	"\x7fA", "Mozilla/5.0 (Windows NT 10.0; Win64; x64",
	"\x7fB", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10",
	"\x7fC", "Mozilla/5.0 (X11; Linux x86_64",
	"\x7fD", "Mozilla/5.0 (iPhone; CPU iPhone OS ",
	"\x7fE", "Mozilla/5.0 (iPad; CPU OS ",
	"\x7fF", "Mozilla/5.0 (Linux; Android 10; K",
	"\x7fG", "Mozilla/5.0 (",
	"\x7fH", ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
	"\x7fI", " like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/",
	"\x7fJ", ") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/",
	"\x7fK", ".0.0.0 Safari/537.36",
	"\x7fL", ".0.0.0 Mobile Safari/537.36",
	"\x7fM", " Safari/605.1.15",
	"\x7fN", " Mobile/15E148 Safari/604.1",
	"\x7fO", ") Gecko/20100101 Firefox/",
)

func expandUserAgent(short string) string { return phrases.Replace(short) }
