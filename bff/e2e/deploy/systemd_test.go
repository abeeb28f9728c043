package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

const unitFile = "bff/docs/systemd/gatehouse.service"

// unit is the settings of a section, each with its values in order.
func unit(t *testing.T) map[string]map[string][]string {
	t.Helper()
	sections, section := map[string]map[string][]string{}, ""
	for line := range strings.Lines(read(t, unitFile)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			sections[section] = map[string][]string{}
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || section == "" {
			t.Fatalf("the line %q", line)
		}
		sections[section][name] = append(sections[section][name], value)
	}
	return sections
}

// What the unit sets, with the file of settings that its first lines tell to
// make, is a configuration that the binary takes; and systemd waits for its end.
func TestSystemdUnitFitsTheBinary(t *testing.T) {
	service := unit(t)["Service"]
	env := map[string]string{"PUBLIC_URL": "https://app.example.com"}
	for _, line := range service["Environment"] {
		for _, pair := range strings.Fields(line) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
	}
	dir := t.TempDir()
	secrets, err := app.NewSecrets()
	if err == nil {
		err = errors.Join(secrets.WriteFiles(dir, t.Output()),
			os.WriteFile(filepath.Join(dir, "MYSQL_DSN"), []byte("gatehouse:secret@tcp(mysql:3306)/gatehouse\n"), 0o600),
			os.WriteFile(filepath.Join(dir, "REDIS_URL"), []byte("redis://:secret@redis:6379\n"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, v := range config.Variables() {
		known = append(known, v.Name, v.Name+"_FILE")
	}
	files := 0
	for name, value := range env {
		if !slices.Contains(known, name) {
			t.Errorf("there is no setting %s", name)
		}
		if file, ok := strings.CutSuffix(name, "_FILE"); ok && name != "ROUTES_FILE" {
			files++
			if value != "/etc/gatehouse/secrets/"+file {
				t.Errorf("%s is %s", name, value)
			}
			env[name] = filepath.Join(dir, file)
		}
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err := errors.Join(err, app.Check(c)); err != nil {
		t.Fatal(err)
	}
	if files != 5 || c.Embedded {
		t.Errorf("%d secrets are files, embedded mode %t", files, c.Embedded)
	}
	patience, err := time.ParseDuration(service["TimeoutStopSec"][0] + "s")
	if err != nil || patience <= app.EndsWithin(c) {
		t.Errorf("it is killed after %v (%v) and takes up to %v", patience, err, app.EndsWithin(c))
	}
	if service["ExecStart"][0] != "/usr/local/bin/gatehouse serve" || service["ExecReload"][0] != "/bin/kill -HUP $MAINPID" ||
		service["User"][0] == "root" || service["Restart"][0] != "on-failure" {
		t.Errorf("it runs as %v", service)
	}
	if len(service["MemoryMax"]) != 1 { // Gatehouse reads it from the cgroup
		t.Errorf("MemoryMax is %v", service["MemoryMax"])
	}
	for name, want := range map[string]string{
		"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateDevices": "yes",
		"MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes", "SystemCallArchitectures": "native", "UMask": "0077",
	} {
		if !slices.Equal(service[name], []string{want}) {
			t.Errorf("%s=%v, want %q", name, service[name], want)
		}
	}
}

// systemd itself, where it is installed, knows every setting of the unit; what it
// does not know, or cannot read, it would leave out with a line in its log.
func TestSystemdTakesTheUnit(t *testing.T) {
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed; the unit has been read, and not by systemd")
		return
	}
	text := strings.ReplaceAll(read(t, unitFile), "/usr/local/bin/gatehouse", "/bin/true")
	verify := func(text string) (string, error) {
		file := filepath.Join(t.TempDir(), "gatehouse.service")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(systemd, "verify", file).CombinedOutput()
		return string(out), err
	}
	if out, err := verify(text); err != nil || out != "" {
		t.Errorf("%v: %s", err, out)
	}
	if out, _ := verify(strings.Replace(text, "NoNewPrivileges", "NoMorePrivileges", 1)); !strings.Contains(out, "NoMorePrivileges") {
		t.Errorf("a setting that there is not: %q", out)
	}
}
