package clientaddr

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

var testProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestClientAddress(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("10.0.0.9, ", 6000), ", ")
	for _, tt := range []struct {
		name    string
		trusted []netip.Prefix
		peer    string
		xff     []string
		want    string
	}{
		{"direct", nil, "192.0.2.1:5", nil, "192.0.2.1"},
		{"forged, without trusted proxies", nil, "192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"},
		{"forged from a private address, without trusted proxies", nil, "10.0.0.1:5", []string{"203.0.113.9"}, "10.0.0.1"},
		{"behind a trusted proxy", testProxies, "10.0.0.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a trusted proxy itself", testProxies, "10.0.0.1:5", nil, "10.0.0.1"},
		{"forged through a trusted proxy", testProxies, "10.0.0.1:5", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		{"two trusted proxies", testProxies, "10.0.0.1:5", []string{"203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"two trusted proxies, the first by IPv6 for IPv4", testProxies, "10.0.0.1:5", []string{"203.0.113.9, ::ffff:10.2.2.2"}, "203.0.113.9"},
		{"two trusted proxies, the first with a port", testProxies, "10.0.0.1:5", []string{"203.0.113.9:4, 10.2.2.2:80"}, "203.0.113.9"},
		{"trusted proxies only", testProxies, "10.0.0.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"forged past an untrusted peer", testProxies, "192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"},
		{"loopback is not trusted unless listed", testProxies, "127.0.0.1:5", []string{"203.0.113.9"}, "127.0.0.1"},
		{"other private networks are not either", testProxies, "192.168.0.1:5", []string{"203.0.113.9"}, "192.168.0.1"},
		{"a peer by IPv6 for IPv4", testProxies, "[::ffff:10.0.0.1]:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a peer with a zone", testProxies, "[fd00::1%eth0]:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"several lines", testProxies, "10.0.0.1:5", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		{"several lines, the last one a proxy's", testProxies, "10.0.0.1:5", []string{"198.51.100.1, 203.0.113.9", "10.2.2.2"}, "203.0.113.9"},
		{"several lines, the last one empty", testProxies, "10.0.0.1:5", []string{"203.0.113.9", ""}, "203.0.113.9"},
		// Entries that a client puts in front are not read.
		{"junk in front", testProxies, "10.0.0.1:5", []string{"junk, unknown, [, \", 203.0.113.9"}, "203.0.113.9"},
		{"a quotation mark that is left open", testProxies, "10.0.0.1:5", []string{`"198.51.100.1, 203.0.113.9`}, "203.0.113.9"},
		{"a trusted address in front", testProxies, "10.0.0.1:5", []string{"198.51.100.1, 10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
		{"more than is looked at, of trusted ones", testProxies, "10.0.0.1:5", []string{"198.51.100.1, " + many}, "10.0.0.9"},
		{"more than is looked at, of nothing", testProxies, "10.0.0.1:5", []string{"198.51.100.1" + strings.Repeat(",", 60_000)}, "10.0.0.1"},
		// An unreadable entry was sent by the last proxy whose own is readable.
		{"unreadable behind one proxy", testProxies, "10.0.0.1:5", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"unreadable behind two proxies", testProxies, "10.0.0.1:5", []string{"198.51.100.1, junk, 10.2.2.2"}, "10.2.2.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			r.Header.Set("X-Real-IP", "203.0.113.250")
			r.Header["X-Forwarded-For"] = tt.xff
			if got := New(tt.trusted, slog.New(slog.DiscardHandler)).Find(r); got != tt.want {
				t.Errorf("client is %s, want %s", got, tt.want)
			}
		})
	}
}

// Each of these is written by some proxy; an entry with a port made all people
// behind it one client.
func TestForwardedAddressesAsProxiesWriteThem(t *testing.T) {
	for entry, want := range map[string]string{
		"203.0.113.7":                              "203.0.113.7",
		"203.0.113.7:51234":                        "203.0.113.7",
		"[203.0.113.7]:51234":                      "203.0.113.7",
		`"203.0.113.7:51234"`:                      "203.0.113.7",
		` "203.0.113.7" `:                          "203.0.113.7",
		"203.000.113.007":                          "203.0.113.7",
		"203.000.113.007:80":                       "203.0.113.7",
		"2001:db8::1":                              "2001:db8::1",
		"2001:DB8:0:0::0001":                       "2001:db8::1",
		"[2001:db8::1]":                            "2001:db8::1",
		"[2001:db8::1]:443":                        "2001:db8::1",
		`"[2001:db8::1]:443"`:                      "2001:db8::1",
		"2001:db8:0:0:0:0:0:1:443":                 "2001:db8::1",
		"fe80::1%eth0":                             "fe80::1",
		"[fe80::1%25eth0]:443":                     "fe80::1",
		"::ffff:203.0.113.7":                       "203.0.113.7",
		"[::ffff:203.0.113.7]:80":                  "203.0.113.7",
		"::ffff:cb00:7107":                         "203.0.113.7",
		"for=203.0.113.7":                          "203.0.113.7",
		`For="[2001:db8::1]:443";proto=https`:      "2001:db8::1",
		`proto=https; for=203.0.113.7;by=10.0.0.1`: "203.0.113.7",

		"": "", "unknown": "", "_hidden": "", `"_hidden"`: "", "for=unknown": "", "for=_hidden": "", "for=": "", "localhost": "",
		"203.0.113": "", "203.0.113.7.9": "", "203.0.113.256": "", "203.0.113.0007": "", "203.0..7": "", "0xcb.0.113.7": "", "3405803783": "",
		"203.0.113.7:": "", "203.0.113.7:http": "", "203.0.113.7:65536": "", "203.0.113.7:-1": "", "203.0.113.7 1": "", "203.0.113.7/32": "",
		"[2001:db8::1": "", "2001:db8::1]": "", "[[2001:db8::1]]": "", `"203.0.113.7`: "", `""`: "", `"`: "", "[": "", "[]": "", "[]:80": "", ":80": "",
		"http://203.0.113.7": "", "203.0.113.7\x00": "", "by=203.0.113.7": "",
	} {
		got, ok := forwardedAddr(entry)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q is %v, %v; want %q", entry, got, ok, want)
		}
	}
}

func TestUnreadableForwardedAddressIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	find := New(testProxies, slog.New(slog.NewTextHandler(&log, nil))).Find
	ask := func(peer string, header ...string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		find(r)
	}
	ask("10.0.0.1:5") // a health check
	ask("192.0.2.1:5", "X-Forwarded-For", "junk")
	ask("10.0.0.1:5", "X-Forwarded-For", "junk, 203.0.113.7")
	ask("10.0.0.1:5", "Forwarded", "for=1.2.3.4", "X-Forwarded-For", "203.0.113.7")
	if log.Len() > 0 {
		t.Fatalf("logged of a readable address, or of a client's header: %s", log.String())
	}
	for range 50 {
		ask("10.0.0.1:5", "X-Forwarded-For", "junk\nlevel=ERROR "+strings.Repeat("x", 9000))
		ask("10.0.0.2:5", "X-Forwarded-For", "unknown")
		ask("10.0.0.2:5", "X-Forwarded-For", "_hidden")
		ask("10.0.0.2:5", "Forwarded", "for=203.0.113.7")
	}
	if lines := strings.Count(log.String(), "\n"); lines != 4 || log.Len() > 2000 {
		t.Errorf("%d lines, %d bytes: %s", lines, log.Len(), log.String())
	}
	for _, want := range []string{"proxy=10.0.0.1", "entry=unknown", "entry=_hidden", "X-Forwarded-For", "the Forwarded header"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
}

func TestProxiesSeen(t *testing.T) {
	for _, tt := range []struct {
		name, path, peer, xff string
		seen                  [2]bool // of testProxies
		others                int64
	}{
		{"behind a trusted proxy", "/", "10.0.0.1:5", "203.0.113.9", [2]bool{true, false}, 0},
		{"the proxy itself", "/", "10.0.0.1:5", "", [2]bool{true, false}, 0},
		{"a chain of two", "/", "10.0.0.1:5", "203.0.113.9, fd00::1", [2]bool{true, true}, 0},
		{"what stands in front of the client", "/", "10.0.0.1:5", "fd00::1, 203.0.113.9", [2]bool{true, false}, 0},
		{"a health check", "/healthz", "10.0.0.1:5", "", [2]bool{}, 0},
		{"a health check from elsewhere", "/healthz", "192.0.2.1:5", "203.0.113.9", [2]bool{}, 0},
		{"directly", "/", "192.0.2.1:5", "", [2]bool{}, 0},
		{"from elsewhere", "/", "192.0.2.1:5", "10.0.0.1", [2]bool{}, 1},
	} {
		x := New(testProxies, slog.New(slog.DiscardHandler))
		r := httptest.NewRequest("GET", tt.path, nil)
		r.RemoteAddr = tt.peer
		if tt.xff != "" {
			r.Header.Set("X-Forwarded-For", tt.xff)
		}
		x.Find(r)
		if got := [2]bool{x.seen[0].Load(), x.seen[1].Load()}; got != tt.seen || x.others.Load() != tt.others {
			t.Errorf("%s: seen %v, %d of others; want %v, %d", tt.name, got, x.others.Load(), tt.seen, tt.others)
		}
	}
	// Without any that is trusted, a proxy in front is still noticed.
	x := New(nil, slog.New(slog.DiscardHandler))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if x.Find(r); x.others.Load() != 1 {
		t.Errorf("%d of others, want 1", x.others.Load())
	}
}

func TestTraceContinuesFromTrustedProxiesOnly(t *testing.T) {
	x := New(testProxies, nil)
	for peer, want := range map[string]bool{
		"10.1.2.3:99": true, "[::ffff:10.1.2.3]:99": true, "[fd00::1]:9": true, "11.0.0.1:9": false, "[fe80::1%eth0]:9": false, "": false, "pipe": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "10.1.2.3")
		if got := x.FromTrusted(r); got != want {
			t.Errorf("%q: %v", peer, got)
		}
	}
}
