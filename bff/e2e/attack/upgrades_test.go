package attack

import (
	"net/http"
	"strings"
	"testing"
)

const handshake = "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

// An upgrade is a tunnel past every rule here. Only a WebSocket is one, only
// for whom the row is, and never for another site.
func TestAttackUpgrades(t *testing.T) {
	const badUpgrade, crossSite = "bad_upgrade", "cross_site_request"
	upgrade := func(to string, more ...string) []string {
		return append([]string{"Connection: Upgrade", "Upgrade: " + to}, more...)
	}
	var rows []attack
	for name, headers := range map[string][]string{
		"h2c":                        {"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"},
		"junk":                       upgrade("EVIL"),
		"TLS":                        upgrade("TLS/1.0"),
		"HTTP/2.0":                   upgrade("HTTP/2.0"),
		"nothing":                    upgrade(""),
		"websocket or h2c":           upgrade("websocket, h2c", handshake),
		"h2c or websocket":           upgrade("h2c, websocket", handshake),
		"websocket and h2c":          upgrade("websocket", "Upgrade: h2c", handshake),
		"websocket with a version":   upgrade("websocket/13", handshake),
		"a WebSocket without a key":  upgrade("websocket", "Sec-WebSocket-Version: 13"),
		"a WebSocket with two keys":  upgrade("websocket", handshake, "Sec-WebSocket-Key: EVIL"),
		"a WebSocket with a length":  upgrade("websocket", handshake, "Content-Length: 4"),
		"a WebSocket with chunks":    upgrade("websocket", handshake, "Transfer-Encoding: chunked"),
		"h2c, Connection in capital": {"CONNECTION: UPGRADE", "Upgrade: h2c"},
		"h2c, Connection twice":      {"Connection: keep-alive", "Connection: upgrade", "Upgrade: h2c"},
		"h2c, a list with gaps":      {"Connection: ,, \tupgrade ,close", "Upgrade: h2c"},
	} {
		body := ""
		if strings.HasSuffix(name, "length") {
			body = "EVIL"
		} else if strings.HasSuffix(name, "chunks") {
			body = "0\n\n"
		}
		rows = append(rows,
			attack{name: name, as: member, send: get("/api/x/a", headers...) + body, status: 400, code: badUpgrade},
			attack{name: name + ", stale", as: stale, send: get("/api/x/a", headers...) + body, status: 400, code: badUpgrade},
			attack{name: name + ", public row", send: get("/api/open/a", headers...) + body, status: 400, code: badUpgrade},
			attack{name: name + ", anonymous", send: get("/api/x/a", headers...) + body, status: 401, code: notAuth})
	}
	for name, from := range map[string]string{
		"a foreign origin": "Origin: https://evil.example", "no origin at all": "Origin: null", "a sibling": "Sec-Fetch-Site: same-site", "another site": "Sec-Fetch-Site: cross-site",
		"two origins": "Origin: http://localhost:1\nOrigin: https://evil.example", "an origin like ours": "Origin: http://localhost.evil.example",
	} {
		rows = append(rows,
			attack{name: "a WebSocket from " + name, as: member, send: get("/api/x/a", upgrade("websocket", handshake, from)...), status: 403, code: crossSite},
			attack{name: "a WebSocket from " + name + ", public row", send: get("/api/open/a", upgrade("websocket", handshake, from)...), status: 403, code: crossSite})
	}
	rows = append(rows,
		attack{name: "a WebSocket of nobody", send: get("/api/x/a", upgrade("websocket", handshake)...), status: 401, code: notAuth},
		attack{name: "a WebSocket in another role", as: member, send: get("/api/x/admin", upgrade("websocket", handshake)...), status: 403, code: "forbidden"},
		attack{name: "a WebSocket by POST", as: member, send: post("/api/x/a", upgrade("websocket", handshake, "Content-Length: 0")...), status: 400, code: badUpgrade},
		attack{name: "a WebSocket in HTTP/1.0", as: member, send: "GET /api/x/a HTTP/1.0\nHost: localhost\n{as}Connection: Upgrade\nUpgrade: websocket\n" + handshake + "\n\n", status: 400, code: badUpgrade},
		attack{name: "h2c on our own endpoint is not taken up", as: member, send: get("/api/auth/me", upgrade("h2c")...), status: 200},
		attack{name: "Upgrade that Connection does not name is no upgrade", as: member, send: get("/api/x/a", "Upgrade: h2c"), status: 200, arrives: "GET /a HTTP/1.1", hasNot: []string{"Upgrade", "h2c"}},
	)
	b := besiege(t)
	b.try(t, rows)

	// Both browsers' handshakes get through, with identity and without cookies.
	b.upstream.answers("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nServer: EVIL\nSet-Cookie: access_token=EVIL\nAccess-Control-Allow-Origin: EVIL\n\n")
	origin := "Origin: " + b.Env["PUBLIC_URL"]
	b.try(t, []attack{
		{
			name: "Chromium", as: stale, send: get("/api/x/a", upgrade("websocket", handshake, origin)...),
			status: 101, arrives: "GET /a HTTP/1.1", has: []string{"\r\nAuthorization: Bearer eyJ", "\r\nUpgrade: websocket\r\n"}, hasNot: []string{"Cookie"},
		},
		{
			name: "Firefox", as: member, send: get("/api/x/a", "Connection: keep-alive, Upgrade", "Upgrade: websocket", handshake, origin, "Sec-Fetch-Site: same-origin", "Sec-WebSocket-Protocol: chat.v2"),
			status: 101, arrives: "GET /a HTTP/1.1", has: []string{"\r\nConnection: Upgrade\r\n", "\r\nSec-Websocket-Protocol: chat.v2\r\n"}, hasNot: []string{"keep-alive"},
		},
	})
}

// A request that another site's page caused goes nowhere under /api, whatever
// its method and whoever's the row.
func TestAttackCrossSite(t *testing.T) {
	const crossSite = "cross_site_request"
	b := besiege(t)
	var rows []attack
	for name, from := range map[string]string{
		"origin": "Origin: https://evil.example", "null": "Origin: null", "empty origin": "Origin:", "http for https": "Origin: https://localhost", "another port": "Origin: http://localhost:1",
		"our host in user info": "Origin: http://localhost@evil.example", "our host as a prefix": strings.Replace("Origin: "+b.Env["PUBLIC_URL"], "localhost", "localhost.evil.example", 1),
		"ours and another": "Origin: " + b.Env["PUBLIC_URL"] + " https://evil.example", "ours, then another": "Origin: " + b.Env["PUBLIC_URL"] + "\nOrigin: https://evil.example",
		"with a path": "Origin: " + b.Env["PUBLIC_URL"] + "/", "in capitals": "Origin: " + strings.ToUpper(b.Env["PUBLIC_URL"]),
		"same-site": "Sec-Fetch-Site: same-site", "cross-site": "Sec-Fetch-Site: cross-site", "unheard of": "Sec-Fetch-Site: EVIL-site", "two sites": "Sec-Fetch-Site: same-origin\nSec-Fetch-Site: cross-site",
		"our origin from another site": "Origin: " + b.Env["PUBLIC_URL"] + "\nSec-Fetch-Site: cross-site",
	} {
		for _, target := range []string{"/api/x/a", "/api/open/a", "/api/maybe/a", "/api/nowhere", "/api/auth/logout"} {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				rows = append(rows, attack{name: name + " " + method + " " + target, as: member, send: request(method, target, strings.Replace(from, "EVIL", "evil", 1)), status: 403, code: crossSite})
			}
		}
		rows = append(rows, attack{name: name + ", a preflight", send: request("OPTIONS", "/api/open/a", strings.Replace(from, "EVIL", "evil", 1), "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-a"), status: 403, code: crossSite})
	}
	for name, from := range map[string]string{
		"ours": "Origin: " + b.Env["PUBLIC_URL"], "ours by address": "Origin: " + strings.Replace(b.Env["PUBLIC_URL"], "localhost", "127.0.0.1", 1), "ours by IPv6": "Origin: " + strings.Replace(b.Env["PUBLIC_URL"], "localhost", "[::1]", 1),
		"same-origin": "Sec-Fetch-Site: same-origin", "typed": "Sec-Fetch-Site: none", "no browser": "Accept: a/b",
	} {
		rows = append(rows, attack{name: name, as: member, send: post("/api/x/a", from, "Content-Length: 0"), status: 200, arrives: "POST /a HTTP/1.1"})
	}
	b.try(t, rows)
	b.upstream.answers(strings.Replace(plainAnswer, "\n", "\nAccess-Control-Allow-Origin: *\nAccess-Control-Allow-Credentials: true\n", 1))
	got := b.exchange(t, anonymous, get("/api/open/a"), false)
	for name := range got.Header {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("%s: %s", name, got.Header[name])
		}
	}
	if got.StatusCode != http.StatusOK {
		t.Error(got.Status)
	}
}
