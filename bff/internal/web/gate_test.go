package web

import (
	"strings"
	"testing"
)

func TestSaneRequestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"01J9ZK3V8W": true, "a-b_c.d-1234": true, "4bf92f3577b34da6a3ce929d0e0e4736": true,
		"": false, "short": false, "has space in": false, "line\nbreak-1": false, "quote\"12345": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
	} {
		if got := saneID(id); got != want {
			t.Errorf("saneID(%q) = %v", id, got)
		}
	}
}
