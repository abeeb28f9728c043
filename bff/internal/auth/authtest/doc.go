// Package authtest holds the contracts that the stores of accounts, of the audit
// trail and of limits behind package auth must pass; package sessiontest holds
// that of session stores.
package authtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
