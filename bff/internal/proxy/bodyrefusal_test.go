package proxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// leaver is an upstream that closes each connection after one answer, without a
// word before, when it is told to.
type leaver struct {
	url         string
	leave, left chan struct{}
	bodies      chan string
}

func newLeaver(t *testing.T, cert *tls.Certificate) *leaver {
	t.Helper()
	u := &leaver{leave: make(chan struct{}), left: make(chan struct{}), bodies: make(chan string, 8)}
	u.url = rawUpstream(t, func(plain net.Conn, _ *bufio.Reader) {
		c := plain
		if cert != nil {
			c = tls.Server(plain, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
		}
		br := bufio.NewReader(c)
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		u.bodies <- string(body)
		_, _ = io.WriteString(c, twoBytes)
		select {
		case <-u.leave:
			plain.Close()
			u.left <- struct{}{}
		case <-t.Context().Done():
		}
	})
	if cert != nil {
		u.url = strings.Replace(u.url, "http:", "https:", 1)
	}
	return u
}

func (u *leaver) hangUp(t *testing.T) {
	t.Helper()
	select {
	case u.leave <- struct{}{}:
		<-u.left
	case <-time.After(time.Minute):
		t.Error("no connection to hang up")
	}
}

func withCertificate(t *testing.T) (*tls.Certificate, gateOption) {
	t.Helper()
	certificates := httptest.NewTLSServer(nil)
	t.Cleanup(certificates.Close)
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	return &certificates.TLS.Certificates[0], func(o *gateOptions) { o.upstream.RootCAs = roots }
}

// An upstream that had hung up without Connection: close cost the next POST a
// 502 when http.Transport had not yet noticed.
func TestPostAfterTheUpstreamHungUp(t *testing.T) {
	cert, roots := withCertificate(t)
	for name, cert := range map[string]*tls.Certificate{"http": nil, "https": cert} {
		t.Run(name, func(t *testing.T) {
			u := newLeaver(t, cert)
			g := newGate(t, u.url, nil, roots)
			for i := range 60 {
				method := []string{"POST", "PUT", "PATCH", "DELETE"}[i%4]
				body := []string{"", "hello", strings.Repeat("x", 100<<10)}[i%3]
				header := "Content-Length: " + fmt.Sprint(len(body)) + "\n\n" + body
				if i%5 == 0 && body != "" {
					header = fmt.Sprintf("Transfer-Encoding: chunked\n\n%x\n%s\n0\n\n", len(body), body)
				}
				res := g.raw(t, method+" /api/x HTTP/1.1\nHost: h\n"+header)
				if res.StatusCode != 200 {
					t.Fatalf("%d: %s with %d bytes: %s", i, method, len(body), res.Status)
				}
				if got := <-u.bodies; got != body || len(u.bodies) != 0 {
					t.Fatalf("%d: %d bytes arrived of %d, %d more requests", i, len(got), len(body), len(u.bodies))
				}
				u.hangUp(t)
			}
		})
	}
}

// The connection is asked when the first byte is about to be sent. When it was
// chosen is too early: http.Transport reads of a DELETE's chunks before it writes,
// and what it has read must be sent on the next connection. Of a POST it has
// written the head by then, which may have arrived: the answer is 502.
func TestUpstreamThatHangsUpWhileABodyIsWaitedFor(t *testing.T) {
	cert, roots := withCertificate(t)
	for name, cert := range map[string]*tls.Certificate{"http": nil, "https": cert} {
		for _, size := range []int{1, 3000, 200 << 10} {
			for method, status := range map[string]int{"DELETE": 200, "POST": 502} {
				t.Run(fmt.Sprint(name, " ", method, " ", size), func(t *testing.T) {
					u := newLeaver(t, cert)
					g := newGate(t, u.url, nil, roots)
					if res, _ := g.do(t, "POST", "/api/x", strings.NewReader("first")); res.StatusCode != 200 || <-u.bodies != "first" {
						t.Fatal(res.Status)
					}
					body := strings.Repeat("0123456789", size/10+1)[:size]
					rest := strings.NewReader(body)
					r := httptest.NewRequest(method, "/api/x", nil)
					r.ContentLength = -1
					r.Body = io.NopCloser(readFunc(func(p []byte) (int, error) {
						if rest.Len() == size {
							u.hangUp(t)
						}
						return rest.Read(p[:min(len(p), 1000)])
					}))
					w := httptest.NewRecorder()
					g.serve(w, r)
					if w.Code != status {
						t.Errorf("status %d, want %d: %+v", w.Code, status, g.last.Load())
					}
					want := 0
					if status == 200 && w.Code == 200 {
						want = 1
					}
					if n := len(u.bodies); n != want || n > 0 && <-u.bodies != body {
						t.Errorf("arrived %d times, or not as it was", n)
					}
				})
			}
		}
	}
}

// What an upstream says of a body that it does not want was lost when its
// connection was reset while the body was on its way.
func TestRefusalOfABodyArrives(t *testing.T) {
	cert, roots := withCertificate(t)
	for name, cert := range map[string]*tls.Certificate{"http": nil, "https": cert} {
		for _, head := range []string{"Connection: close\r\nContent-Length: 7\r\n\r\ntoo big", "Content-Length: 7\r\n\r\ntoo big", "Content-Length: 0\r\n\r\n"} {
			for _, stalls := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %.20q %v", name, head, stalls), func(t *testing.T) {
					url := rawUpstream(t, func(plain net.Conn, _ *bufio.Reader) {
						c := plain
						if cert != nil {
							c = tls.Server(plain, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
						}
						if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
							_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\n"+head)
						}
					})
					if cert != nil {
						url = strings.Replace(url, "http:", "https:", 1)
					}
					g := newGate(t, url, nil, roots)
					body := strings.Repeat("x", 2000000)
					if stalls {
						body = body[:5000]
					}
					for range 5 {
						res := g.raw(t, "POST /api/x HTTP/1.1\nHost: h\nContent-Length: 2000000\n\n"+body)
						text, _ := io.ReadAll(res.Body)
						if _, want, _ := strings.Cut(head, "\r\n\r\n"); res.StatusCode != 413 || string(text) != want {
							t.Fatalf("%s %q", res.Status, text)
						}
					}
				})
			}
		}
	}
}
