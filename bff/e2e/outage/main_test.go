// Package outage tests the product while MariaDB, Redis, its disk or its own
// process fails, and when they come back.
package outage

import (
	"os"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
