package auth

import (
	"strings"
	"testing"
)

func TestParseEmail(t *testing.T) {
	for _, tt := range []struct{ in, address, key string }{
		{"ada@example.com", "ada@example.com", "ada@example.com"},
		{"  Ada@Example.COM\n", "Ada@example.com", "ada@example.com"},
		{"a.b+tag@sub.example.org", "a.b+tag@sub.example.org", "a.b+tag@sub.example.org"},
		{"ada@bücher.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"ada@localhost", "ada@localhost", "ada@localhost"},
		{"o'brien@example.com", "o'brien@example.com", "o'brien@example.com"},
	} {
		got, problem := ParseEmail(tt.in)
		if problem != "" || got.Address != tt.address || got.Key != tt.key {
			t.Errorf("ParseEmail(%q) = %+v %q, want %q and %q", tt.in, got, problem, tt.address, tt.key)
		}
	}
}

func TestParseEmailRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "ada", "@example.com", "ada@", "ada@@example.com", "a b@example.com", "ada@exa mple.com",
		".ada@example.com", "ada.@example.com", "a..da@example.com",
		"ádmin@example.com",       // a collation made this admin@
		"\u212Aelvin@example.com", // the Kelvin sign: ToLower makes it a k
		"ada@example..com", "ada@-example.com", "ada@[127.0.0.1]", "\"ada\"@example.com",
		"ada\x00@example.com", "ada\r\nBcc: x@example.com", "ada@example.com\x00",
		strings.Repeat("a", 65) + "@example.com",
		"ada@" + strings.Repeat(strings.Repeat("d", 60)+".", 5) + "com",
		"<ada@example.com>", "ada@example.com,eve@example.com",
	} {
		if got, problem := ParseEmail(in); problem == "" {
			t.Errorf("ParseEmail(%q) = %+v, want a refusal", in, got)
		}
	}
}

// One anonymous sign-in with 63 KB of distinct letters behind the @ held a core
// for twelve seconds: IDNA's work grows with the square of the length.
func TestHugeDomainIsRefusedBeforeItCostsAnything(t *testing.T) {
	var b strings.Builder
	for r := rune(0x4e00); r < 0x4e00+20_000; r++ {
		b.WriteRune(r)
	}
	in := "a@" + b.String() + ".com"
	if n := testing.AllocsPerRun(1, func() {
		if _, problem := ParseEmail(in); problem == "" {
			t.Error("it was taken")
		}
	}); n > 5 {
		t.Errorf("%v allocations", n)
	}
}
