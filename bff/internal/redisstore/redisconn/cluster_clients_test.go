package redisconn

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// Each client of a Cluster learns the addresses of its own: they were in one
// array for all, written without a lock between them.
func TestClientsOfAClusterShareNoAddresses(t *testing.T) {
	dial, err := dialer("redis://127.0.0.1:1?addr=127.0.0.1:2&addr=127.0.0.1:3", &login{}, ownTLS{})
	if err != nil {
		t.Fatal(err)
	}
	first, second := dial(0, nil), dial(1, nil)
	defer func() { _, _ = first.Close(), second.Close() }()
	a, b := first.(*redis.ClusterClient).Options().Addrs, second.(*redis.ClusterClient).Options().Addrs
	if len(a) != 3 || len(b) != 3 {
		t.Fatalf("addresses: %v, %v", a, b)
	}
	a[0] = "127.0.0.1:9"
	_ = append(a[:1], "127.0.0.1:8")
	if b[0] == "127.0.0.1:9" || b[1] == "127.0.0.1:8" {
		t.Errorf("the second client's addresses changed with the first's: %v", b)
	}
}
