package upstream

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mustTable(t testing.TB, rows ...route.Config) *route.Table {
	t.Helper()
	table, err := route.NewTable(rows...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func up(t testing.TB) []*url.URL { return []*url.URL{mustURL(t, "http://up:1")} }

// upstreamFunc is an upstream with a handler of its own.
func upstreamFunc(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

// deadUpstream is an address that refuses connections.
func deadUpstream(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// harness sends requests to the upstreams of one row, without a client.
type harness struct {
	t         *testing.T
	transport *Transport
	table     *route.Table
}

func newHarness(t *testing.T, row route.Config, urls ...string) *harness {
	t.Helper()
	row.Path = "/api/x"
	for _, u := range urls {
		row.Upstreams = append(row.Upstreams, mustURL(t, u))
	}
	h := &harness{t, New(Options{Now: time.Now}), mustTable(t, row)}
	t.Cleanup(h.transport.Close)
	return h
}

func (h *harness) pool() *pool { return h.transport.pools.of(h.table.Routes()[0]) }

// send returns the status of the response.
func (h *harness) send(method, body string) (status int, err error) {
	q := &Request{Route: h.table.Routes()[0], Sender: testSender{}, Method: method, HasBody: body != ""}
	q.Attach(h.t.Context())
	defer q.Finish()
	r, err := http.NewRequestWithContext(q, method, "http://x/a", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if body != "" {
		r, err = http.NewRequestWithContext(q, method, "http://x/a", strings.NewReader(body))
		if err != nil {
			h.t.Fatal(err)
		}
	}
	res, err := h.transport.Send(q, r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// testSender has a body that can be sent again.
type testSender struct{}

func (testSender) Informational(int, textproto.MIMEHeader) error { return nil }
func (testSender) RewindBody() bool                              { return true }
func (testSender) UpstreamGone()                                 {}
