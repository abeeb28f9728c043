package app

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/telemetry"
)

// What the configuration lets pass the traces know, and the other way round.
func TestSamplersOfConfigurationAndTraces(t *testing.T) {
	_, err := config.Load(func(name string) string { return map[string]string{"OTEL_TRACES_SAMPLER": "none of them"}[name] })
	if err == nil {
		t.Fatal("a sampler that there is not")
	}
	_, list, _ := strings.Cut(err.Error(), "choose one of ")
	offered := strings.Split(strings.TrimSpace(list), ", ")
	slices.Sort(offered)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(telemetry.Samplers)), offered); diff != "" {
		t.Error(diff)
	}
}
