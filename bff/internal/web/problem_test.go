package web

import (
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

func TestEveryErrorHasAStatusAndATitle(t *testing.T) {
	for _, code := range refusal.Codes {
		if p := problems[code]; p.status == 0 {
			t.Errorf("%s has no status in problems", code)
		}
	}
	for code, p := range problems {
		if p.status < 400 || p.title == "" {
			t.Errorf("%s: status %d, title %q", code, p.status, p.title)
		}
	}
}
