package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Go's tests skipped themselves without a word, and CI was green.
func TestSkippedGoTestIsToldAndFailsInCI(t *testing.T) {
	const skips = "package x\nimport \"testing\"\nfunc TestNeedsTheMoon(t *testing.T) { t.Skip(\"there is no moon here\") }\n"
	const runs = "package x\nimport \"testing\"\nfunc TestNeedsNothing(t *testing.T) {}\n"
	for _, c := range []struct {
		name, code, ci string
		ok             bool
		told           []string
	}{
		{"skipped at home", skips, "", true, []string{"TestNeedsTheMoon", "there is no moon here", "SKIPPED: 1 Go tests"}},
		{"skipped in CI", skips, "true", false, []string{"TestNeedsTheMoon", "there is no moon here", "CI=true"}},
		{"run in CI", runs, "true", true, nil},
		{"failed", strings.Replace(runs, "{}", "{ t.Error(\"no\") }", 1), "", false, []string{"TestNeedsNothing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x_test.go")
			if err := os.WriteFile(file, []byte(c.code), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "../../../scripts/go-test-report-skips", "-count=1", file)
			cmd.Env = append(os.Environ(), "CI="+c.ci)
			out, err := cmd.CombinedOutput()
			if (err == nil) != c.ok {
				t.Errorf("%v\n%s", err, out)
			}
			for _, part := range c.told {
				if !strings.Contains(string(out), part) {
					t.Errorf("it does not say %q:\n%s", part, out)
				}
			}
			if c.told == nil && strings.Contains(string(out), "SKIPPED: ") {
				t.Errorf("nothing was skipped:\n%s", out)
			}
		})
	}
}

// A tag became a release without a test, and the image was built by nothing.
func TestReleaseWaitsForEveryCheckAndTheImage(t *testing.T) {
	type job struct {
		Uses  string
		Needs []string
		Steps []struct{ Run string }
	}
	type workflow struct{ Jobs map[string]job }
	parse := func(name string) (w workflow) {
		if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/"+name)), &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return w
	}
	runs := func(j job, command string) bool {
		return slices.ContainsFunc(j.Steps, func(s struct{ Run string }) bool { return strings.HasPrefix(s.Run, command) })
	}
	check, release := parse("check.yml"), parse("release.yml")
	if !runs(check.Jobs["check"], ".ci/run") {
		t.Error("check.yml does not run .ci/run")
	}
	if !runs(check.Jobs["image"], "docker build ") {
		t.Error("check.yml does not build the image")
	}
	if got := release.Jobs["check"].Uses; got != "./.github/workflows/check.yml" {
		t.Errorf("release.yml checks by %q", got)
	}
	if !slices.Contains(release.Jobs["release"].Needs, "check") {
		t.Error("release.yml publishes without waiting for its checks")
	}
	if run := read(t, ".ci/run"); !strings.Contains(run, "CI=true") || !strings.Contains(run, "make check") {
		t.Errorf(".ci/run is\n%s", run)
	}
}

// A suite that only `make check` ran would be missed by a team that runs its half.
func TestChecksOfBothHalvesAreTheWholeCheck(t *testing.T) {
	makefile, script := read(t, "Makefile"), read(t, "scripts/run-suites")
	suites := func(target string) []string {
		recipe := regexp.MustCompile(`(?m)^` + target + `: ## .+\n\t@scripts/run-suites (.+)$`).FindStringSubmatch(makefile)
		if recipe == nil {
			t.Fatalf("make %s runs no suites", target)
		}
		return strings.FieldsFunc(recipe[1], func(r rune) bool { return r == ' ' || r == '+' })
	}
	whole := suites("check")
	left := slices.Clone(whole)
	for _, half := range []string{"check-go", "check-spa"} {
		last := -1
		for _, suite := range suites(half) {
			at := slices.Index(whole, suite)
			if at <= last {
				t.Errorf("make %s runs %s, which make check does not run, or in another order", half, suite)
			}
			last = at
			left = slices.DeleteFunc(left, func(name string) bool { return name == suite })
		}
	}
	if len(left) > 0 {
		t.Errorf("neither make check-go nor make check-spa runs %q", left)
	}
	for _, suite := range slices.Concat(whole, suites("test"), suites("lint")) {
		function := strings.ReplaceAll(suite, "-", "_")
		if !regexp.MustCompile(`(?m)^` + function + `\(\) \{`).MatchString(script) {
			t.Errorf("scripts/run-suites has no suite %s", suite)
		}
	}
}
