package app

import (
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/telemetry"
)

// The configuration accepts the samplers that the traces have, and no others.
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

func TestEveryOutcomeOfAuthIsACounterFromTheStart(t *testing.T) {
	a := newApp(Options{Now: time.Now})
	w := httptest.NewRecorder()
	a.metrics.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for name, outcomes := range map[string][]string{
		"gatehouse_refreshes_total": session.RefreshOutcomes(), "gatehouse_mails_total": auth.NoticeOutcomes(),
	} {
		for _, outcome := range outcomes {
			if line := name + `{outcome="` + outcome + `"} 0` + "\n"; outcome == "" || !strings.Contains(w.Body.String(), line) {
				t.Errorf("no line %q", line)
			}
		}
	}
}
