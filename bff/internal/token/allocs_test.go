//go:build !race

package token_test

import (
	"testing"
	"time"
)

func TestNothingIsAllocatedForWhoIsKnown(t *testing.T) {
	i := newIssuer(t)
	raw := must(t)(i.MintAccess(someAccess()))
	late := start.Add(time.Hour)
	verifyAccess(t, i, raw, start)
	who := someIdentity()
	must(t)(i.MintBearer(who, "orders", start))
	for what, call := range map[string]func(){
		"VerifyAccess":          func() { _, _ = i.VerifyAccess(raw, start) },
		"VerifyAccess, expired": func() { _, _ = i.VerifyAccess(raw, late) },
		"MintBearer":            func() { _, _ = i.MintBearer(who, "orders", start) },
	} {
		if n := testing.AllocsPerRun(100, call); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	i.ForgetVerified(raw)
	if n := testing.AllocsPerRun(1, func() { i.ForgetVerified(raw); _, _ = i.VerifyAccess(raw, start) }); n < 10 {
		t.Errorf("a token that is not known: %v allocations; the others were not measured either", n)
	}
}
