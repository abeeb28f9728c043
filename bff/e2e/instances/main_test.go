// Package instances tests two instances of the product on one MariaDB and Redis:
// stampedes, theft and revocation across them, and restarts and replaced secrets
// under load.
package instances

import (
	"os"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
