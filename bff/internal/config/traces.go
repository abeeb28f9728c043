package config

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Traces is the configuration of OpenTelemetry traces; none are sent without an
// Endpoint. The names are OpenTelemetry's. The SDK reads further variables by itself
// (OTEL_BSP_* for its queue, a certificate).
type Traces struct {
	Endpoint   string // http:// or https://
	Headers    map[string]Secret
	Service    string
	Attributes map[string]string
	Sampler    string
	Ratio      float64 // for the samplers with traceidratio
}

var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

func (v *variables) traces(c *Config, mistakes *problems) {
	t := &c.Traces
	t.Endpoint, t.Service, t.Sampler, t.Ratio = v.OTLPEndpoint, v.ServiceName, v.TracesSampler, 1
	if t.Endpoint != "" {
		if problem := checkEndpoint(t.Endpoint); problem != "" {
			mistakes.addf("OTEL_EXPORTER_OTLP_ENDPOINT %s", problem) // without the value: it may hold a password
		}
	}
	headers, err := pairs(v.OTLPHeaders)
	if err != nil {
		mistakes.addf("OTEL_EXPORTER_OTLP_HEADERS %v", err)
	}
	for name, value := range headers {
		if t.Headers == nil {
			t.Headers = map[string]Secret{}
		}
		t.Headers[name] = Secret(value)
	}
	if t.Attributes, err = pairs(v.ResourceAttributes); err != nil {
		mistakes.addf("OTEL_RESOURCE_ATTRIBUTES %v", err)
	}
	if !slices.Contains(samplers, t.Sampler) {
		mistakes.addf("OTEL_TRACES_SAMPLER is %q; choose one of %s", t.Sampler, strings.Join(samplers, ", "))
	}
	if v.TracesSamplerArg != "" {
		t.Ratio, err = strconv.ParseFloat(v.TracesSamplerArg, 64)
		if err != nil || !(t.Ratio >= 0 && t.Ratio <= 1) {
			mistakes.addf("OTEL_TRACES_SAMPLER_ARG is %q; write the part of the requests to record, from 0 to 1", v.TracesSamplerArg)
		}
	}
}

func checkEndpoint(endpoint string) (problem string) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return "is not the URL of a collector; write http://collector:4318 (OTLP over HTTP; /v1/traces is added)"
	case u.User != nil:
		return "holds credentials; put them into OTEL_EXPORTER_OTLP_HEADERS"
	case u.RawQuery != "", u.Fragment != "":
		return "must have neither a query nor a fragment"
	}
	return ""
}

// pairs reads name=value,name=value with percent-encoded values, the form of headers
// and attributes in the OpenTelemetry specification.
func pairs(list string) (map[string]string, error) {
	if list == "" {
		return nil, nil
	}
	out := map[string]string{}
	for item := range strings.SplitSeq(list, ",") {
		name, value, found := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || name == "" || err != nil {
			return nil, errors.New("is not a list of name=value,name=value with percent-encoded values")
		}
		out[name] = value
	}
	return out, nil
}
