package web

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name    string
		trusted []netip.Prefix
		peer    string
		xff     string
		want    string
	}{
		{"direct", nil, "192.0.2.1:5", "", "192.0.2.1"},
		{"forged, nobody is trusted", nil, "192.0.2.1:5", "203.0.113.9", "192.0.2.1"},
		{"forged from a private address, nobody is trusted", nil, "10.0.0.1:5", "203.0.113.9", "10.0.0.1"},
		{"behind a trusted proxy", proxies, "10.0.0.1:5", "203.0.113.9", "203.0.113.9"},
		{"forged through a trusted proxy", proxies, "10.0.0.1:5", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		{"two trusted proxies", proxies, "10.0.0.1:5", "203.0.113.9, 10.2.2.2", "203.0.113.9"},
		{"forged past an untrusted peer", proxies, "192.0.2.1:5", "203.0.113.9", "192.0.2.1"},
		{"loopback is not trusted unless listed", proxies, "127.0.0.1:5", "203.0.113.9", "127.0.0.1"},
		{"other private networks are not either", proxies, "192.168.0.1:5", "203.0.113.9", "192.168.0.1"},
		{"IPv6", proxies, "[fd00::1]:5", "2001:db8::7", "2001:db8::7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			r.Header.Set("X-Real-IP", "203.0.113.250")
			if tt.xff != "" {
				r.Header.Set("X-Forwarded-For", tt.xff)
			}
			if got := ipExtractor(tt.trusted)(r); got != tt.want {
				t.Errorf("client is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSaneRequestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"01J9ZK3V8W": true, "a-b_c.d-1234": true, "4bf92f3577b34da6a3ce929d0e0e4736": true,
		"": false, "short": false, "has space in": false, "line\nbreak-1": false, "quote\"12345": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
	} {
		if got := saneID(id); got != want {
			t.Errorf("saneID(%q) = %v", id, got)
		}
	}
}
