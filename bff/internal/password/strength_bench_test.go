package password_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
)

// costly are passwords made to be dear to judge.
var costly = []struct{ name, pw string }{
	{"ordinary", "correct horse battery staple"},
	{"every symbol once", "4@8({[<369&#!1/|0$5+7%2"},
	{"every symbol, 24 characters", "4@({[<69!1|$5+7%2038aiclst"[:24]},
	{"symbols of several letters, 24", "4@({[<69!1|$5+7password1"},
	{"five symbols, 72 characters", strings.Repeat("1|$5!", 15)[:72]},
	{"five symbols in words, 72 characters", strings.Repeat("1|$5!password", 6)[:72]},
	{"all symbols, 72 characters", strings.Repeat("4@8({[<369!1|0$5+7%2", 4)[:72]},
	{"all symbols, 256 characters", strings.Repeat("4@8({[<369!1|0$5+7%2", 13)[:256]},
	{"words, 256 characters", strings.Repeat("passwordmonkeydragon", 13)[:256]},
	{"dates, 256 characters", strings.Repeat("01/02/1990 ", 24)[:256]},
	{"digits, 256 characters", strings.Repeat("19841985", 32)},
	{"keyboard walks, 256 characters", strings.Repeat("qwertyuiopasdfgh", 16)},
	{"emoji, 256 characters", strings.Repeat("🔑🗝🔒🔓", 64)},
	{"combining marks", strings.Repeat("a\u0301\u0302\u0303", 64)},
}

func BenchmarkCheck(b *testing.B) {
	for _, c := range costly {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				password.Check(c.pw, "jane")
			}
		})
	}
}
