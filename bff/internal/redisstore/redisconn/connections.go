package redisconn

import (
	"errors"

	"github.com/redis/go-redis/v9"
)

// Connections is how many connections a store with this REDIS_URL opens at most:
// to the server, or to each master of a Cluster (eachMaster). They are the pool's,
// whose size go-redis takes from the processors of this machine when the URL has
// none, and the follower's.
func Connections(raw string) (connections int, eachMaster bool, err error) {
	dial, err := dialer(raw, &login{}, ownTLS{})
	if err != nil {
		return 0, false, err
	}
	rdb := dial(0, nil) // connects to nothing
	defer func() { err = errors.Join(err, rdb.Close()) }()
	if c, ok := rdb.(*redis.ClusterClient); ok {
		return c.Options().PoolSize + FollowerPool, true, nil
	}
	return rdb.(*redis.Client).Options().PoolSize + FollowerPool, false, nil
}
