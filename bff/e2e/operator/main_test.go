// Package operator tests what operators do and see: commands on accounts, doctor,
// backups, reloads, TLS to the stores, metrics, traces, logs.
package operator

import (
	"os"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
