package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// The report of an interrupted run looked like one of stores that did not answer,
// and a script took the installation for sound.
func TestExaminationThatIsGivenUpIsNoVerdict(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATA_DIR": t.TempDir()}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	for _, args := range [][]string{{"doctor"}, {"doctor", "--json"}} {
		var stdout, stderr bytes.Buffer
		code := run(ctx, process{args: args, getenv: func(name string) string { return env[name] }, now: time.Now, stdout: &stdout, stderr: &stderr})
		if code != 1 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "given up") {
			t.Errorf("%v: exit code %d: %s%s", args, code, &stdout, &stderr)
		}
	}
}

// The product with the connections of each was negative, and so within the limit.
func TestNumberOfInstancesThatNoServerHas(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"-1", "100001", "9223372036854775807"} {
		gatehouse(t, map[string]string{"DATA_DIR": t.TempDir()}, "doctor", "--instances", n).want(t, n, 2, "", "--instances is "+n)
	}
}
