// Package attack sends the running product what attackers, broken upstreams and
// slow clients send, and checks that none of it gets through or signs anyone in.
package attack

import (
	"os"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
