package auth

import (
	"strings"
	"testing"
)

// Names were normalised whatever their length: the body alone bounded them.
func TestLongNameIsRefusedBeforeItIsNormalised(t *testing.T) {
	decomposed := strings.Repeat("e\u0301", 20_000)
	if n := testing.AllocsPerRun(10, func() { _, _ = checkName(decomposed) }); n != 0 {
		t.Errorf("%v allocations: it is normalised", n)
	}
	for name, long := range map[string]bool{
		strings.Repeat("\u03b1\u0313\u0300\u0345", 100): false, // \u1f82 each, in its longest spelling
		strings.Repeat("\u03b1\u0313\u0300\u0345", 101): true,
		decomposed: true,
	} {
		if _, problem := checkName(name); (problem == nameTooLong) != long {
			t.Errorf("%d bytes: %q, want too long %v", len(name), problem, long)
		}
	}
}
