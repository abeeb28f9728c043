package config

import (
	"slices"
	"strings"
)

// otelVariables are the standard variables that the SDK ignores, or that select
// features which Gatehouse lacks. With grpc in PROTOCOL traces went to the
// collector's gRPC port as HTTP, and were lost. Variables of metrics and logs are
// not in the list: a platform sets them for all of its programs.
var otelVariables = []struct {
	name    string
	allowed []string // nil: the variable must be empty
	instead string
}{
	{"OTEL_EXPORTER_OTLP_PROTOCOL", []string{"http/protobuf"}, "traces are sent as http/protobuf, to the collector's port for that (4318)"},
	{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", []string{"http/protobuf"}, "traces are sent as http/protobuf, to the collector's port for that (4318)"},
	{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", nil, "set OTEL_EXPORTER_OTLP_ENDPOINT; /v1/traces is added to it"},
	{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", nil, "set OTEL_EXPORTER_OTLP_HEADERS"},
	{"OTEL_TRACES_EXPORTER", []string{"otlp", "none"}, "traces are sent by OTLP, or not at all"},
	{"OTEL_PROPAGATORS", []string{"tracecontext", "tracecontext,baggage", "baggage,tracecontext"}, "trace context is propagated by W3C traceparent"},
	{"OTEL_SDK_DISABLED", []string{"true", "false"}, "write true or false"},
	{"OTEL_CONFIG_FILE", nil, "it is configured by the environment"},
	{"OTEL_EXPERIMENTAL_CONFIG_FILE", nil, "it is configured by the environment"},
}

// otel refuses values that are not supported, if traces are configured, and switches
// traces off where a variable says so.
func (c *Config) otel(getenv func(string) string, mistakes *problems) {
	if c.Traces.Endpoint == "" && getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return
	}
	for _, v := range otelVariables {
		value := strings.ToLower(strings.ReplaceAll(getenv(v.name), " ", ""))
		switch {
		case value == "" || slices.Contains(v.allowed, value):
		case len(v.allowed) == 0: // the value is not shown: it may hold a password
			mistakes.addf("%s is not supported: %s", v.name, v.instead)
		default:
			mistakes.addf("%s is %q, which is not supported (%s): %s", v.name, value, strings.Join(v.allowed, ", "), v.instead)
		}
		if v.name == "OTEL_SDK_DISABLED" && value == "true" || v.name == "OTEL_TRACES_EXPORTER" && value == "none" {
			c.Traces.Endpoint = ""
		}
	}
}
