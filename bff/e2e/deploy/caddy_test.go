package deploy

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

func TestCaddyfileIsWhatCaddyAccepts(t *testing.T) {
	program := servertest.FindCaddy(t)
	file := must(filepath.Abs("../../../Caddyfile"))(t)
	for _, args := range [][]string{
		{"validate", "--config", file, "--adapter", "caddyfile"},
		{"fmt", "--diff", file}, // fails when something is to be changed
	} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = []string{"HOME=" + t.TempDir()}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("caddy %s: %v\n%s", strings.Join(args, " "), err, out)
		} else if strings.Contains(string(out), `"level":"warn"`) {
			t.Errorf("caddy %s warns:\n%s", args[0], out)
		}
	}
}
