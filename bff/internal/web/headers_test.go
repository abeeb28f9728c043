package web

import (
	"strings"
	"testing"
)

// A value with space for more would be written into by code that adds one to a
// single response.
func TestSharedHeaderValuesHaveNoRoom(t *testing.T) {
	for _, headers := range []securityHeaders{newSecurityHeaders(true, false, []string{"lit-html"}), newSecurityHeaders(false, true, nil)} {
		for _, line := range append(headers.pages, headers.api...) {
			if len(line.value) != 1 || cap(line.value) != 1 {
				t.Errorf("%s: %d values, space for %d", line.name, len(line.value), cap(line.value))
			}
		}
	}
}

func TestTrustedTypesPoliciesOfAnApp(t *testing.T) {
	own := newSecurityHeaders(false, false, []string{"lit-html", "angular#bundler"}).page
	if own != strings.TrimSuffix(pageCSP, "'none'")+"lit-html angular#bundler" {
		t.Errorf("the policy: %s", own)
	}
	if strict := newSecurityHeaders(false, false, nil).page; strict != pageCSP {
		t.Errorf("an app that says nothing: %s", strict)
	}
}
