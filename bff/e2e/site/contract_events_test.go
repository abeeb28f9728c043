package site

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

func TestContractHasEveryKindOfEvent(t *testing.T) {
	c, err := published()
	if err != nil {
		t.Fatal(err)
	}
	documented := c.doc.Components.Schemas["SessionEvent"].Value
	s := Embedded(t)
	s.Env["SESSION_MAX_AGE"] = "2h"
	s.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lines := s.Member("ada@example.com").OpenEvents(ctx)
	told := map[any]bool{}
	wait := func(kind string) {
		t.Helper()
		for !told[kind] { // some are told more than once
			if !lines.Scan() {
				t.Fatalf("the stream ended before %q, after %v", kind, told)
			}
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			event, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.bodies[documented].Validate(event); err != nil {
				t.Error(err)
			}
			told[event.(Object)["type"]] = true
		}
	}
	s.Operator().MustRun(operator.Command{Verb: operator.SetRole, Email: "ada@example.com", Role: "admin"})
	wait("role_changed")
	s.Clock.Advance(2*time.Hour - time.Minute)
	wait("expiring")
	s.Clock.Advance(time.Minute)
	wait("revoked")
	for _, kind := range documented.Properties["type"].Value.Enum {
		if !told[kind] {
			t.Errorf("%q is in openapi.yaml, and nobody is told so", kind)
		}
	}
}
