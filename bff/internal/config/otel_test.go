package config_test

import (
	"strings"
	"testing"
)

// With grpc traces went to a gRPC port as HTTP, and were lost silently.
func TestUnsupportedOpenTelemetryVariables(t *testing.T) {
	traced := production().with(environment{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
	for name, values := range map[string]struct{ yes, no []string }{
		"OTEL_EXPORTER_OTLP_PROTOCOL":        {[]string{"http/protobuf", "HTTP/protobuf"}, []string{"grpc", "http/json", "x"}},
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": {[]string{"http/protobuf"}, []string{"grpc", "http/json"}},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": {nil, []string{"http://user:password@other:4318/v1/traces"}},
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":  {nil, []string{"key=password"}},
		"OTEL_TRACES_EXPORTER":               {[]string{"otlp"}, []string{"zipkin", "console", "jaeger", "otlp,console"}},
		"OTEL_METRICS_EXPORTER":              {[]string{"none", "prometheus", "otlp"}, nil},
		"OTEL_LOGS_EXPORTER":                 {[]string{"none", "otlp"}, nil},
		"OTEL_PROPAGATORS":                   {[]string{"tracecontext", "tracecontext,baggage", "tracecontext, baggage"}, []string{"b3", "tracecontext,b3", "jaeger", "none"}},
		"OTEL_SDK_DISABLED":                  {[]string{"false"}, []string{"1", "yes"}},
		"OTEL_CONFIG_FILE":                   {nil, []string{"/etc/otel.yaml"}},
		"OTEL_EXPERIMENTAL_CONFIG_FILE":      {nil, []string{"/etc/otel.yaml"}},
	} {
		for _, value := range append(values.yes, "") {
			if got := load(t, traced.with(environment{name: value})).Traces.Endpoint; got != "http://collector:4318" {
				t.Errorf("%s=%s: traces go to %q", name, value, got)
			}
		}
		for _, value := range values.no {
			onlyMistake(t, name+"="+value, traced.with(environment{name: value}), name+" is ")
			if len(values.yes) == 0 {
				for _, line := range mistakes(t, traced.with(environment{name: value})) {
					if len(value) > 8 && strings.Contains(line, value) {
						t.Errorf("the mistake repeats the value: %s", line)
					}
				}
			}
		}
	}
	for name, value := range map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"} {
		if got := load(t, traced.with(environment{name: value})).Traces.Endpoint; got != "" {
			t.Errorf("%s=%s: traces go to %q", name, value, got)
		}
	}

	// A platform may set these for all of its programs: without an endpoint they do
	// not prevent the start.
	load(t, production().with(environment{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_PROPAGATORS": "b3"}))
	onlyMistake(t, "traces to an address of their own", production().with(environment{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318"}), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is ")
}
