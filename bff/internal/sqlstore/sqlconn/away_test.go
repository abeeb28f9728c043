package sqlconn

import (
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Each of these ended a process at its start, in a rollout during an outage.
func TestAwayKnowsWhatServersSayInTrouble(t *testing.T) {
	said := func(code uint16) error {
		return Failure(t.Context(), "migrate", fmt.Errorf("goose: %w", &mysql.MySQLError{Number: code}))
	}
	for _, code := range []uint16{1020, 1040, 1047, 1205, 1213, 1317, 1927, 1969, 3024, 3100, 3101, 8002, 8005, 8028, 9001, 9002, 9005, 9007} {
		if !Away(said(code)) {
			t.Errorf("%d is taken for a refusal", code)
		}
	}
	for _, code := range []uint16{1044, 1045, 1049, 1050, 1061, 1064, 1142, 1146} {
		if Away(said(code)) {
			t.Errorf("%d is taken for an outage", code)
		}
	}
}
