package authtest

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// eventLengths are the bytes that are kept of each text of an event. The fake
// had others than the database, so tests saw what production cut.
var eventLengths = map[string]struct {
	most int
	of   func(*auth.Event) *string
}{
	"type":       {32, func(e *auth.Event) *string { return (*string)(&e.Type) }},
	"user":       {64, func(e *auth.Event) *string { return &e.UserID }},
	"actor":      {64, func(e *auth.Event) *string { return &e.ActorID }},
	"session":    {64, func(e *auth.Event) *string { return &e.SessionID }},
	"detail":     {255, func(e *auth.Event) *string { return &e.Detail }},
	"ip":         {64, func(e *auth.Event) *string { return &e.IP }},
	"user agent": {256, func(e *auth.Event) *string { return &e.UserAgent }},
	"request":    {128, func(e *auth.Event) *string { return &e.RequestID }},
}

func testEventLengths(t *testing.T, _ auth.Users, trail Trail) {
	want := map[string]auth.Event{} // by id
	add := func(change func(e *auth.Event) (kept string), of func(*auth.Event) *string) {
		e := event()
		e.ID = rand.Text()
		kept := change(&e)
		must(t, trail.Append(t.Context(), e))
		*of(&e) = kept
		want[e.ID] = e
	}
	for _, field := range eventLengths {
		for text, kept := range map[string]string{
			strings.Repeat("x", field.most):         strings.Repeat("x", field.most),
			strings.Repeat("x", field.most+1):       strings.Repeat("x", field.most),
			strings.Repeat("x", field.most-1) + "é": strings.Repeat("x", field.most-1), // not half of it
			strings.Repeat("x", field.most-2) + "é": strings.Repeat("x", field.most-2) + "é",
		} {
			add(func(e *auth.Event) string { *field.of(e) = text; return kept }, field.of)
		}
	}
	for _, e := range trail.Events(t) {
		same(t, "an event", e, want[e.ID])
	}
	if n := len(trail.Events(t)); n != len(want) {
		t.Errorf("%d events, want %d", n, len(want))
	}
}
