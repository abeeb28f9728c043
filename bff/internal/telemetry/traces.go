package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// TraceConfig has the collector and the sampler of traces.
type TraceConfig struct {
	// Endpoint is OTEL_EXPORTER_OTLP_ENDPOINT: /v1/traces is added to it.
	Endpoint string
	Headers  map[string]string
	// Service, Version and Attributes describe the source of the spans.
	Service, Version string
	Attributes       map[string]string
	Sampler          string // by a name of Samplers
	Ratio            float64
	Log              *slog.Logger
}

// Samplers are the values of OTEL_TRACES_SAMPLER. Those with parentbased follow the
// decision of a trusted caller.
var Samplers = map[string]func(ratio float64) sdk.Sampler{
	"always_on":                func(float64) sdk.Sampler { return sdk.AlwaysSample() },
	"always_off":               func(float64) sdk.Sampler { return sdk.NeverSample() },
	"traceidratio":             sdk.TraceIDRatioBased,
	"parentbased_always_on":    func(float64) sdk.Sampler { return sdk.ParentBased(sdk.AlwaysSample()) },
	"parentbased_always_off":   func(float64) sdk.Sampler { return sdk.ParentBased(sdk.NeverSample()) },
	"parentbased_traceidratio": func(ratio float64) sdk.Sampler { return sdk.ParentBased(sdk.TraceIDRatioBased(ratio)) },
}

// Traces makes spans and exports them in the background, without delaying requests:
// spans that the collector refuses are dropped. A nil *Traces makes none.
type Traces struct {
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TraceContext
}

// OpenTraces does not connect yet: the collector may start later, or never.
func OpenTraces(ctx context.Context, c TraceConfig, m *Metrics) (*Traces, error) {
	sampler, ok := Samplers[c.Sampler]
	if !ok {
		return nil, fmt.Errorf("there is no sampler %q", c.Sampler)
	}
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(strings.TrimRight(c.Endpoint, "/")+"/v1/traces"),
		otlptracehttp.WithHeaders(c.Headers))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about := []attribute.KeyValue{semconv.ServiceName(c.Service), semconv.ServiceVersion(c.Version)}
	for name, value := range c.Attributes {
		about = append(about, attribute.String(name, value))
	}
	from, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(about...))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(from), sdk.WithSampler(sampler(c.Ratio)))
	failures := counter(m.registry, "trace_export_failures_total", "Batches of spans that the collector did not take.")
	quiet := &quietLog{log: c.Log, now: m.now}
	// There is one such handler in a process; by default it writes to standard
	// error, for each batch of an outage.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		failures.Inc()
		quiet.warn(err)
	}))
	return &Traces{provider: provider, tracer: provider.Tracer("gatehouse")}, nil
}

// flushTimeout bounds the export of the last spans: a collector that hangs must not
// delay a restart.
const flushTimeout = 3 * time.Second

// Close exports the remaining spans, within flushTimeout.
func (t *Traces) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err) // spans lost are no failure of the server
	}
	return nil
}

// quietLog logs lost spans once a minute, not for every batch.
type quietLog struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	last time.Time
}

const quietFor = time.Minute

func (q *quietLog) warn(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.now(); q.last.IsZero() || now.Sub(q.last) >= quietFor {
		q.last = now
		q.log.Warn("traces cannot be delivered", "error", err)
	}
}
