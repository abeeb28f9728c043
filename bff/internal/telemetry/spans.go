package telemetry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Attributes are names from the code and the routes file, and numbers. They have no
// raw path, query, header, client address or error text: those carry ids, emails and
// any text of an attacker.

// Request begins the span of a request. trusted says that the peer is a proxy
// of ours, whose trace goes on here. A browser's is only linked to: a
// client whose trace went on could have every request recorded, and write into
// traces of others. id is the trace's, for the log.
func (t *Traces) Request(r *http.Request, method, requestID string, trusted bool) (ctx context.Context, id string, end func(route string, status int)) {
	ctx = r.Context()
	kind := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		semconv.HTTPRequestMethodKey.String(known(method)),
		semconv.NetworkProtocolVersion(strconv.Itoa(r.ProtoMajor)+"."+strconv.Itoa(r.ProtoMinor)),
		attribute.String("gatehouse.request_id", requestID),
	)}
	said := t.propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if trusted {
		ctx = said
	} else if caller := trace.SpanContextFromContext(said); caller.IsValid() {
		kind = append(kind, trace.WithLinks(trace.Link{SpanContext: caller}))
	}
	ctx, span := t.tracer.Start(ctx, known(method), kind...)
	return ctx, span.SpanContext().TraceID().String(), func(route string, status int) {
		if route != "-" {
			span.SetName(known(method) + " " + route)
			span.SetAttributes(semconv.HTTPRoute(route))
		}
		span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		if status >= http.StatusInternalServerError {
			fault(span, strconv.Itoa(status))
		}
		span.End()
	}
}

// known maps "-", with which the caller marks an unknown method, to the conventions'
// value.
func known(method string) string {
	if method == "-" {
		return "_OTHER"
	}
	return method
}

// Forward begins the span of an attempt to reach an upstream, and injects it into
// r's header. The span ends with the response's header.
func (t *Traces) Forward(r *http.Request, route, address string) (end func(status int, err error)) {
	ctx, span := t.tracer.Start(r.Context(), r.Method+" "+route, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		append(server(address), semconv.HTTPRequestMethodKey.String(r.Method), semconv.HTTPRoute(route))...))
	r.Header.Del("Tracestate") // the browser's belongs to the browser's trace; Inject writes ours, if there is one
	t.propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
	return func(status int, err error) {
		switch {
		case err != nil:
			fault(span, fmt.Sprintf("%T", err))
		default:
			span.SetAttributes(semconv.HTTPResponseStatusCode(status))
			if status >= http.StatusBadRequest { // the conventions' rule for clients
				fault(span, strconv.Itoa(status))
			}
		}
		span.End()
	}
}

func server(address string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(address)}
	}
	number, _ := strconv.Atoi(port) // the routes file has numbers only
	return []attribute.KeyValue{semconv.ServerAddress(host), semconv.ServerPort(number)}
}

func unended(error) {}

// question begins the span of a store's query, if it belongs to a recorded request:
// each query of background work would be a trace of one span.
func (t *Traces) question(ctx context.Context, store, operation string) (context.Context, func(error)) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, unended
	}
	ctx, span := t.tracer.Start(ctx, store+" "+operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.DBSystemNameKey.String(store), semconv.DBOperationName(operation)))
	return ctx, func(err error) {
		if err != nil {
			fault(span, fmt.Sprintf("%T", err))
		}
		span.End()
	}
}

func fault(span trace.Span, kind string) {
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, "")
}
