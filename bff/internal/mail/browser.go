package mail

import "regexp"

type table []struct {
	pattern *regexp.Regexp
	word    string
}

// The order counts: Edge's user agent has Chrome in it, Chrome's has Safari.
var browsers = table{
	{regexp.MustCompile(`\bEdg(e|A|iOS)?/`), "Edge"},
	{regexp.MustCompile(`\b(OPR|OPT|Opera)/`), "Opera"},
	{regexp.MustCompile(`\bSamsungBrowser/`), "Samsung Internet"},
	{regexp.MustCompile(`\bVivaldi/`), "Vivaldi"},
	{regexp.MustCompile(`\b(Firefox|FxiOS)/`), "Firefox"},
	{regexp.MustCompile(`\b(Chrome|CriOS|Chromium|HeadlessChrome)/`), "Chrome"},
	{regexp.MustCompile(`\bVersion/[\d.]+ .*\bSafari/`), "Safari"},
	{regexp.MustCompile(`^(curl|Wget|PostmanRuntime|python-requests|Python-urllib|aiohttp|Go-http-client|okhttp|node|undici|axios)\b`), "a program"},
}

// The order counts: Android's user agent has Linux in it, an iPhone's Mac OS X.
var systems = table{
	{regexp.MustCompile(`\biPhone\b`), "iPhone"},
	{regexp.MustCompile(`\biPad\b`), "iPad"},
	{regexp.MustCompile(`\bAndroid\b`), "Android"},
	{regexp.MustCompile(`\bWindows\b`), "Windows"},
	{regexp.MustCompile(`\bMac OS X\b|\bMacintosh\b`), "macOS"},
	{regexp.MustCompile(`\bCrOS\b`), "ChromeOS"},
	{regexp.MustCompile(`\bLinux\b|\bX11\b`), "Linux"},
}

func (t table) find(text string) string {
	for _, row := range t {
		if row.pattern.MatchString(text) {
			return row.word
		}
	}
	return ""
}

// browserOf says a user agent in words of the tables above, "" when it matches
// none: the client writes it, so no part of it is sent on.
func browserOf(userAgent string) string {
	browser, system := browsers.find(userAgent), systems.find(userAgent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser == "" && system != "":
		return "a browser on " + system
	}
	return browser
}
