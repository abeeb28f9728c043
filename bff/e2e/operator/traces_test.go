package operator

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// receiver is as much of an OpenTelemetry collector as a test needs.
type receiver struct {
	url string

	mu    sync.Mutex
	spans []*traces.Span
	text  string // all that came
	keys  []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	rec := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		raw, err := io.ReadAll(body)
		var got collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(raw, &got)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.text += prototext.Format(&got)
		rec.keys = append(rec.keys, r.Header.Get("Api-Key"))
		for _, from := range got.GetResourceSpans() {
			for _, scope := range from.GetScopeSpans() {
				rec.spans = append(rec.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(server.Close)
	rec.url = server.URL
	return rec
}

// span gives the one span of a kind and name. The product must have stopped:
// it delivers the last ones then.
func (rec *receiver) span(t *testing.T, kind traces.Span_SpanKind, name string) *traces.Span {
	t.Helper()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	var found []*traces.Span
	var names []string
	for _, s := range rec.spans {
		names = append(names, s.GetName())
		if s.GetName() == name && s.GetKind() == kind {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q of kind %v among %q", len(found), name, kind, names)
	}
	return found[0]
}

const (
	serverKind = traces.Span_SPAN_KIND_SERVER
	clientKind = traces.Span_SPAN_KIND_CLIENT

	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
	callersWords = "00-" + callersTrace + "-" + callersSpan + "-01"
)

func child(t *testing.T, parent, of *traces.Span) {
	t.Helper()
	if string(of.GetTraceId()) != string(parent.GetTraceId()) || string(of.GetParentSpanId()) != string(parent.GetSpanId()) {
		t.Errorf("%s is no child of %s", of.GetName(), parent.GetName())
	}
}

// A trace goes on from a proxy of ours to the upstream. A browser's is linked
// to: nobody outside decides what is recorded, or writes into another trace.
func TestTraceOfAProxiedRequest(t *testing.T) {
	for _, c := range []struct {
		name, proxies string
		goesOn        bool
	}{{"from a trusted proxy", "127.0.0.0/8", true}, {"from a browser", "", false}} {
		t.Run(c.name, func(t *testing.T) {
			url, last := site.ForgingUpstream(t)
			rec := newReceiver(t)
			s := site.Embedded(t)
			s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, "path: /api/orders\nupstreams: ["+url+"]").Name
			s.Start("OTEL_EXPORTER_OTLP_ENDPOINT", rec.url, "OTEL_EXPORTER_OTLP_HEADERS", "api-key=of%20ours", "OTEL_SERVICE_NAME", "shop",
				"OTEL_RESOURCE_ATTRIBUTES", "cloud.region=eu-1", "TRUSTED_PROXIES", c.proxies)
			b := s.Member("ada@example.com")
			answer := b.Do("GET", "/api/orders/secret-4711?mail=ada@example.com", nil, "Traceparent", callersWords, "Tracestate", "x=1").Want(t, 200)
			seen := last().Header
			s.Stop()

			server, client := rec.span(t, serverKind, "GET /api/orders"), rec.span(t, clientKind, "GET /api/orders")
			child(t, server, client)
			trace := hex.EncodeToString(server.GetTraceId())
			if want := "00-" + trace + "-" + hex.EncodeToString(client.GetSpanId()) + "-01"; seen.Get("Traceparent") != want {
				t.Errorf("the upstream was told %q, want %q", seen.Get("Traceparent"), want)
			}
			links := server.GetLinks()
			if c.goesOn {
				if trace != callersTrace || hex.EncodeToString(server.GetParentSpanId()) != callersSpan || len(links) != 0 || seen.Get("Tracestate") != "x=1" {
					t.Errorf("the proxy's trace does not go on: %v, tracestate %q", server, seen.Get("Tracestate"))
				}
			} else if trace == callersTrace || len(server.GetParentSpanId()) != 0 || len(links) != 1 || hex.EncodeToString(links[0].GetTraceId()) != callersTrace || seen.Get("Tracestate") != "" {
				t.Errorf("a browser's trace is to be linked to, no more: %v, tracestate %q", server, seen.Get("Tracestate"))
			}
			for _, want := range []string{answer.Header.Get("X-Request-Id"), `"shop"`, `"cloud.region"`, `"http.route"`, `"/api/orders"`, `"http.response.status_code"`} {
				if !strings.Contains(rec.text, want) {
					t.Errorf("the spans do not say %s", want)
				}
			}
			if rec.keys[0] != "of ours" {
				t.Errorf("the collector got the key %q", rec.keys[0])
			}
			if !strings.Contains(s.Logs.String(), `"trace":"`+trace+`"`) {
				t.Error("the log line does not name the trace")
			}
			for _, secret := range []string{"secret-4711", "ada@", "ada%40", "mail=", b.Cookie("access_token"), b.Cookie("refresh_token"), site.Password, "127.0.0.1:5"} {
				if strings.Contains(rec.text, secret) {
					t.Errorf("%q is in the spans", secret)
				}
			}
		})
	}
}

func TestTraceOfTheStores(t *testing.T) {
	s, rec := site.OnServices(t), newReceiver(t)
	s.Start("OTEL_EXPORTER_OTLP_ENDPOINT", rec.url)
	b := s.Member("ada@example.com")
	s.Clock.Advance(20 * time.Minute)
	b.Do("GET", "/api/demo/me", nil).Want(t, 200) // renewed on the way
	s.Stop()

	login := rec.span(t, serverKind, "POST /api/auth/login")
	child(t, login, rec.span(t, clientKind, "redis create session"))
	child(t, login, rec.span(t, clientKind, "mysql user by id"))
	child(t, rec.span(t, serverKind, "POST /api/auth/register"), rec.span(t, clientKind, "mysql create user"))
	proxied := rec.span(t, serverKind, "GET /api/demo")
	child(t, proxied, rec.span(t, clientKind, "redis swap session"))
	child(t, proxied, rec.span(t, clientKind, "GET /api/demo"))
	for _, span := range rec.spans {
		if len(span.GetParentSpanId()) == 0 && span.GetKind() != serverKind {
			t.Errorf("%s began a trace of its own: background work does", span.GetName())
		}
	}
}

// The rate is kept, and what is not recorded still tells the upstream which
// trace it is part of.
func TestTracesThatAreNotRecorded(t *testing.T) {
	url, last := site.ForgingUpstream(t)
	rec := newReceiver(t)
	s := site.Embedded(t)
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, site.PublicRow("/api/orders", url)).Name
	s.Start("OTEL_EXPORTER_OTLP_ENDPOINT", rec.url, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0")
	s.Browser().Do("GET", "/api/orders", nil, "Traceparent", callersWords).Want(t, 200)
	told := last().Header.Get("Traceparent")
	s.Stop()
	if len(rec.spans) != 0 || !strings.HasSuffix(told, "-00") || strings.Contains(told, callersTrace) {
		t.Errorf("%d spans, and the upstream was told %q", len(rec.spans), told)
	}
}

// A collector that hangs or is down must not delay requests or the shutdown.
func TestCollectorThatDoesNotAnswer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // accepted by the kernel, answered by nobody
	for name, addr := range map[string]string{"hangs": silent.Addr().String(), "is not there": site.FreeAddr(t)} {
		t.Run(name, func(t *testing.T) {
			// The spans leave at once, and more of them than the queue holds.
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
			t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
			t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
			s := site.Embedded(t).Start("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+addr)
			b := s.Member("ada@example.com")
			slowest := time.Duration(0)
			for range 200 {
				began := time.Now()
				b.Do("GET", "/api/demo/me", nil).Want(t, 200)
				slowest = max(slowest, time.Since(began))
			}
			if slowest > 8*time.Second { // the collector is given ten
				t.Errorf("a request took %s", slowest)
			}
			began := time.Now()
			s.Stop()
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("the shutdown took %s", took)
			}
			if n := strings.Count(s.Logs.String(), "traces cannot be delivered"); n != 1 {
				t.Errorf("the log says so %d times", n)
			}
		})
	}
}
