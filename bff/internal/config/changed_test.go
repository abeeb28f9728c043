package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

func TestChangedComparesSettingsAsWritten(t *testing.T) {
	t.Parallel()
	access, signup := writeFile(t, accessCanary), writeFile(t, "open")
	e := production().with(environment{"JWT_ACCESS_SECRET": "", "JWT_ACCESS_SECRET_FILE": access, "SIGNUP_FILE": signup})
	before := load(t, e)
	if diff := cmp.Diff([]string{}, config.Changed(before, load(t, e))); diff != "" {
		t.Errorf("nothing has changed: %s", diff)
	}
	for file, text := range map[string]string{access: accessCanary + "," + olderCanary + "\n", signup: "closed\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"JWT_ACCESS_SECRET", "SIGNUP"}, config.Changed(before, load(t, e))); diff != "" {
		t.Error(diff)
	}
}

// OTLP headers with the collector's password, kept as written, were in a field that
// fmt printed.
func TestSettingsKeptAsWrittenAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := load(t, production().with(environment{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20canary-otlp",
	}))
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if got := fmt.Sprintf(verb, *c); strings.Contains(got, "canary") {
			t.Errorf("%s: %s", verb, got)
		}
	}
}
