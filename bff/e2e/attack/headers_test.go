package attack

import (
	"regexp"
	"strings"
	"testing"
)

// Nothing that a client sends looks like an identity, an address or a trace of
// ours to an upstream, in whatever spelling, and nothing of ours can be taken
// out by naming it in Connection.
func TestAttackRequestHeaders(t *testing.T) {
	ours := []string{"\r\nAuthorization: Bearer eyJ", "\r\nX-Request-Id: ", "\r\nTraceparent: 00-", "\r\nX-Forwarded-For: 127.0.0.1\r\n", "\r\nX-Forwarded-Proto: http\r\n", "\r\nX-Forwarded-Host: localhost:"}
	var rows []attack
	passes := func(as caller, name, target string, has, hasNot []string, headers ...string) {
		_, path, _ := strings.Cut(strings.TrimPrefix(target, "/api/"), "/")
		rows = append(rows, attack{name: name, as: as, send: get(target, headers...), status: 200, arrives: "GET /" + path + " HTTP/1.1", has: has, hasNot: hasNot})
	}
	for _, line := range []string{
		"Authorization: Bearer EVIL", "authorization: Basic EVIL", "AUTHORIZATION: EVIL", "Proxy-Authorization: EVIL", "Proxy_Authorization: EVIL", "Authorization_: x\nAuthorization: EVIL",
		"X-User-Id: EVIL", "x-user-id: EVIL", "X-USER-ID: EVIL", "X_User_Id: EVIL", "X.User.Id: EVIL", "X-User_Id: EVIL", "X_USER-ID: EVIL", "x~user~id: EVIL", "X!User!Id: EVIL", "X'User'Id: EVIL",
		"X-User-Email: EVIL", "X_User_Email: EVIL", "X.User-Email: EVIL", "X-User-Role: admin, EVIL", "X_User_Role: EVIL", "x.user.role: EVIL", "X-User-Id: EVIL\nX-User-Id: EVIL",
		"X-Forwarded-For: EVIL", "X-Forwarded-For: 10.0.0.1, EVIL", "x_forwarded_for: EVIL", "X.Forwarded.For: EVIL", "X-Forwarded-Host: EVIL", "X-Forwarded-Proto: EVIL",
		"X-Forwarded-Port: EVIL", "X-Forwarded-Prefix: /EVIL", "X-Forwarded-Server: EVIL", "X-Forwarded-User: EVIL", "X-Forwarded-Email: EVIL", "X-Forwarded: EVIL", "X-Forwarded_Uri: EVIL",
		"Forwarded: for=EVIL;host=EVIL", "X-Real-Ip: EVIL", "X-Real_IP: EVIL", "X-Client-IP: EVIL", "Client-IP: EVIL", "True-Client-IP: EVIL", "CF-Connecting-IP: EVIL", "Fastly-Client-IP: EVIL", "X-Cluster-Client-Ip: EVIL",
		"X-Original-URL: /EVIL", "X-Rewrite-URL: /EVIL", "X-Original-Uri: /EVIL", "X-Original-Host: EVIL", "X-Host: EVIL", "Proxy: http://EVIL", "X-Sendfile-Type: X-Accel-Redirect\nX-Accel-Mapping: /EVIL",
		"X_Request_Id: EVIL", "X-Request-Id: EVIL", "X-Request-Id: EVIL<script>alert(1)</script>", "X-Request-Id: ok-ok-ok\nX-Request-Id: EVIL", "X-Request-Id: EVIL" + strings.Repeat("x", 100), "X-Request-Id:", "X-Request-Id: EVIL EVIL EVIL",
		"Traceparent: EVIL", "Trace_parent: x\nTraceparent: 00-EVIL4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01", "Traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\nTracestate: EVIL=1", "Tracestate: EVIL=1",
		"Trace_State: x\ntracestate: EVIL=1", "Traceparent: ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\nTracestate: a=EVIL",
		"Connection: Authorization, X-Request-Id, Traceparent, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto", "Connection: keep-alive, authorization\nAuthorization: EVIL",
		"Connection: close, X-Foo\nX-Foo: EVIL", "Connection: x-foo\nConnection: X-Bar\nX-Foo: EVIL\nX-Bar: EVIL", "Keep-Alive: EVIL", "Proxy-Connection: EVIL", "TE: EVIL", "Te: trailers, EVIL", "Upgrade: EVIL", "HTTP2-Settings: EVIL",
		"Transfer_Encoding: EVIL", "Content_Length: 666EVIL", "Content.Length: EVIL", "Keep_Alive: EVIL", "Transfer.Encoding: EVIL", "Up~grade: b\nUpgrade: EVIL", "Cookie: theme=EVIL", "cookie: a=1; __Host-refresh_token=EVIL", "Cookie_: a\nCookie: EVIL",
	} {
		passes(member, line, "/api/x/a", ours, nil, line, "X-Harmless: kept")
		passes(anonymous, line+", anonymous", "/api/maybe/a", ours[1:], []string{"Authorization:", "X-User"}, line)
	}

	passes(stale, "a stale member is somebody", "/api/x/a", ours, nil)
	passes(member, "optional row, somebody", "/api/maybe/a", ours, nil)
	passes(member, "public row, somebody is nobody", "/api/open/a", ours[1:], []string{"Authorization:", "X-User"})
	passes(member, "identity in headers", "/api/ids/a", []string{"\r\nX-User-Email: member@example.com\r\n", "\r\nX-User-Role: user\r\n", "\r\nX-User-Id: "}, []string{"Authorization:"},
		"X-User-Id: EVIL", "x_user_role: EVIL", "Authorization: EVIL", "Connection: X-User-Id, X-User-Role, X-User-Email")
	passes(member, "no identity", "/api/blank/a", ours[1:], []string{"Authorization:", "X-User-Id"}, "Authorization: EVIL", "X-User-Id: EVIL")
	passes(member, "a sane request id", "/api/x/a", []string{"\r\nX-Request-Id: 0123-abc.DEF_4\r\n"}, nil, "x-request-id: 0123-abc.DEF_4")
	passes(member, "a sane trace", "/api/x/a", []string{"\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", "\r\nTracestate: a=b\r\n"}, nil,
		"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate: a=b")
	passes(member, "trailers are wanted", "/api/x/a", []string{"\r\nTe: trailers\r\n"}, nil, "TE: trailers")
	passes(member, "what means nothing to us", "/api/x/a", []string{"\r\nX-Harmless: kept\r\n", "\r\nAccept: a/b\r\n", "\r\nUser-Agent: u\r\n", "\r\nIf-None-Match: \"1\"\r\n", "\r\nRange: bytes=0-1\r\n"}, nil,
		"X-Harmless: kept", "Accept: a/b", "User-Agent: u", "If-None-Match: \"1\"", "Range: bytes=0-1")

	// The method judged is the method that counts.
	for _, name := range []string{"X-HTTP-Method-Override", "x-http-method", "X-Method-Override", "X_HTTP_Method_Override"} {
		passes(member, name+" where methods are restricted", "/api/only/a", nil, nil, name+": DELETE EVIL")
	}

	// Our cookies stay here; others pass where the row says so.
	for line, want := range map[string]string{
		"theme=dark":                                    "\r\nCookie: theme=dark\r\n",
		"theme=dark; lang=de":                           "\r\nCookie: theme=dark; lang=de\r\n",
		"access_token=EVIL; theme=dark":                 "\r\nCookie: theme=dark\r\n",
		"theme=dark;refresh_token=EVIL;lang=de":         "\r\nCookie: theme=dark; lang=de\r\n",
		"theme=dark; \tdevice \t= EVIL":                 "\r\nCookie: theme=dark\r\n",
		"__Host-access_token=EVIL; theme=dark":          "\r\nCookie: theme=dark\r\n",
		"__Host-device=EVIL; theme=dark":                "\r\nCookie: theme=dark\r\n",
		"theme=dark; \"access_token\"=EVIL":             "\r\nCookie: theme=dark\r\n",
		"lang=de; theme=dark, access_token=EVIL":        "\r\nCookie: lang=de\r\n",
		"lang=de; q=\"1; refresh_token=EVIL; 2\"":       "\r\nCookie: lang=de; ",
		"theme=dark\nCookie: access_token=EVIL":         "\r\nCookie: theme=dark\r\n",
		"theme=dark\ncookie: a=1\nCOOKIE: device=EVIL;": "\r\nCookie: theme=dark; a=1\r\n",
	} {
		passes(anonymous, "cookies "+line, "/api/open/a", []string{want}, nil, "Cookie: "+line)
	}
	passes(member, "a member's own cookies in a row that forwards cookies", "/api/jar/a", []string{"\r\nCookie: theme=dark\r\n"}, nil, "Cookie: theme=dark")
	passes(member, "a row that forwards none", "/api/x/a", nil, []string{"Cookie"}, "Cookie: theme=dark")

	b := besiege(t)
	b.try(t, rows)

	for range 2 {
		b.upstream.forget()
		reply := b.exchange(t, member, get("/api/x/a", "X-Request-Id: EVIL!"), false)
		id := reply.Header["X-Request-Id"]
		if saw := b.upstream.requests(); len(saw) != 1 || len(id) != 1 || !strings.Contains(saw[0], "\r\nX-Request-Id: "+id[0]+"\r\n") {
			t.Errorf("the answer has the request id %q, the upstream got\n%s", id, saw)
		}
	}
}

// New trace ids are W3C Trace Context's, sampled by nobody, and never twice.
func TestAttackTraceIDs(t *testing.T) {
	b := besiege(t)
	seen := map[string]bool{}
	for range 3 {
		b.exchange(t, member, get("/api/x/a"), false)
	}
	for _, saw := range b.upstream.requests() {
		m := regexp.MustCompile(`\r\nTraceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-00\r\n`).FindStringSubmatch(saw)
		if m == nil || seen[m[1]] || seen[m[2]] {
			t.Fatalf("%v in\n%s", m, saw)
		}
		seen[m[1]], seen[m[2]] = true, true
	}
	if len(seen) != 6 {
		t.Errorf("%v", seen)
	}
}

// X-Forwarded-* is believed from the operator's own proxies, and read from the
// end that they wrote. Scheme and host are always those that browsers use.
func TestAttackForwardedFromATrustedProxy(t *testing.T) {
	b := besiege(t, "TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8,2001:db8:ffff::/48")
	var rows []attack
	for lines, want := range map[string]string{
		"X-Harmless: none of them":                                   "127.0.0.1",
		"X-Forwarded-For: 203.0.113.9":                               "203.0.113.9",
		"x-forwarded-for:  203.0.113.9 ":                             "203.0.113.9",
		"X-Forwarded-For: 6.6.6.6, 203.0.113.9":                      "203.0.113.9",
		"X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3, 127.0.0.9": "203.0.113.9",
		"X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 203.0.113.9":     "203.0.113.9",
		"X-Forwarded-For: 2001:db8::1":                               "2001:db8::1",
		"X-Forwarded-For: 6.6.6.6, 2001:db8::1, 2001:db8:ffff::2":    "2001:db8::1",
		"X-Forwarded-For: [2001:db8::1]":                             "2001:db8::1",
		"X-Forwarded-For: EVIL":                                      "127.0.0.1",
		"X-Forwarded-For: 6.6.6.6, EVIL":                             "127.0.0.1",
		"X-Forwarded-For: EVIL, 203.0.113.9":                         "203.0.113.9",
		"X-Forwarded-For: 203.0.113.9, EVIL, 10.1.2.3":               "10.1.2.3",
		"X-Forwarded-For: 6.6.6.6:1, 203.0.113.9:51234":              "203.0.113.9",
		"X-Forwarded-For: \"6.6.6.6, \"[2001:db8::1]:443\"":          "2001:db8::1",
		"X-Forwarded-For: 6.6.6.6,203.0.113.9,":                      "203.0.113.9",
		"X-Forwarded-For: ,,":                                        "127.0.0.1",
		"X-Forwarded-For: 127.0.0.1, 10.0.0.1":                       "127.0.0.1",
		"X-Real-Ip: EVIL":                                            "127.0.0.1",
		"Forwarded: for=EVIL":                                        "127.0.0.1",
		"X_Forwarded_For: EVIL":                                      "127.0.0.1",
	} {
		rows = append(rows, attack{
			name: "trusted: " + lines, as: member, status: 200, arrives: "GET /a HTTP/1.1",
			send:   get("/api/x/a", lines+"\nX-Forwarded-Proto: EVIL\nX-Forwarded-Host: EVIL\nX-Forwarded-Port: EVIL"),
			has:    []string{"\r\nX-Forwarded-For: " + want + "\r\n", "\r\nX-Forwarded-Proto: http\r\n", "\r\nX-Forwarded-Host: localhost:"},
			hasNot: []string{"6.6.6.6"},
		})
	}
	b.try(t, rows)
}
