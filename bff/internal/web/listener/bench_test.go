package listener

import (
	"strings"
	"testing"
)

// BenchmarkChecker measures the cost of the check for each request.
func BenchmarkChecker(b *testing.B) {
	browser := "Host: localhost:8080\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\nAccept: application/json\n" +
		"Accept-Language: en\nAccept-Encoding: gzip, deflate, br, zstd\nReferer: http://localhost:8080/dashboard\nSec-Fetch-Dest: empty\nSec-Fetch-Mode: cors\n" +
		"Sec-Fetch-Site: same-origin\nConnection: keep-alive\nCookie: access_token=" + strings.Repeat("x", 400) + "; refresh_token=" + strings.Repeat("x", 400) + "\n"
	for name, stream := range map[string]string{
		"GET":     "GET /api/demo/me HTTP/1.1\n" + browser + "\n",
		"length":  "POST /api/demo/me HTTP/1.1\n" + browser + "Content-Length: 10000\n\n" + strings.Repeat("x", 10000),
		"chunked": "POST /api/demo/me HTTP/1.1\n" + browser + "Transfer-Encoding: chunked\n\n2710\n" + strings.Repeat("x", 10000) + "\n0\n\n",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			p := []byte(wire(stream))
			var k checker
			for b.Loop() {
				if _, err := k.checkBytes(p); err != nil || k.state != inRequestLine {
					b.Fatal(err, k.state)
				}
			}
		})
	}
}
