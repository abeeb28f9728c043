package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

func TestParsing(t *testing.T) {
	for _, c := range []struct {
		args string
		ok   bool
	}{{"", true}, {"-quick", true}, {"-only flood|tabs -rounds 3", true}, {"-only (", false}, {"-rounds 0", false}, {"-nonsense", false}} {
		if _, err := parse(strings.Fields(c.args)); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.args, err)
		}
	}
	if err := rivals.PinSelf(""); err != nil {
		t.Error(err)
	}
}
