package servertest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// verdict is a testing.TB that notes down how a test was ended.
type verdict struct {
	testing.TB
	failed, skipped string
}

func (v *verdict) Helper()                   {}
func (v *verdict) Name() string              { return "TestOfSomebody" }
func (v *verdict) Fatal(args ...any)         { v.failed = fmt.Sprint(args...) }
func (v *verdict) Fatalf(f string, a ...any) { v.failed = fmt.Sprintf(f, a...) }
func (v *verdict) Skip(args ...any)          { v.skipped = fmt.Sprint(args...) }

func TestMissingServerSkipsButNeverInCI(t *testing.T) {
	_, err := find(mariadbPackage, "no-such-mariadbd")
	missing := fmt.Errorf("start: %w", err)
	const advice = "apt-get install --no-install-recommends mariadb-server"
	for _, test := range []struct {
		ci      string
		err     error
		failed  string
		skipped string
	}{
		{"", missing, "", advice},
		{"false", missing, "", advice},
		{"true", missing, advice, ""},
		{"", errors.New("it crashed"), "it crashed", ""}, // installed and broken is never a reason to skip
	} {
		t.Setenv("CI", test.ci)
		v := &verdict{}
		unavailable(v, test.err)
		if (v.failed == "") != (test.failed == "") || !strings.Contains(v.failed, test.failed) ||
			(v.skipped == "") != (test.skipped == "") || !strings.Contains(v.skipped, test.skipped) {
			t.Errorf("CI=%q, %v: failed %q, skipped %q", test.ci, test.err, v.failed, v.skipped)
		}
	}
}
