// Package journey tests the product as browsers and APIs meet it in order: pages,
// accounts, devices, mails, streams, and what reaches a backend.
package journey

import (
	"os"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
