// Package e2e tests the product as its users meet it: HTTP and a cookie jar, in
// embedded mode and on a real MariaDB and Redis.
package e2e

import (
	"os"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
