package rivals

import (
	"strings"
	"testing"
)

func TestListOfCoresIsRead(t *testing.T) {
	if got := strings.Join(listed("0-2,5\n"), " "); got != "0 1 2 5" {
		t.Errorf("%q", got)
	}
}
