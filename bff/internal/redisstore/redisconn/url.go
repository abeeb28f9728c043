package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// IOTimeout is how long Redis may take to answer one command, and the others what
// the other steps of a call may. REDIS_URL's dial_timeout, read_timeout,
// write_timeout and pool_timeout win.
const (
	IOTimeout   = time.Second
	dialTimeout = time.Second
	poolTimeout = time.Second // waiting for one of the pool's connections
)

// FollowerPool is the size of a follower's pool: it has a connection of its own.
// The other pool has go-redis' size, ten connections for each processor, or five
// for each node of a Cluster, opened as needed; ?pool_size= changes it. See
// Connections.
const FollowerPool = 1

// CheckURL says what is wrong with a REDIS_URL, never repeating it: it holds a
// password. withFiles: there are TLS files for it.
func CheckURL(raw string, withFiles bool) error {
	_, err := dialer(raw, &login{}, ownTLS{wanted: withFiles})
	return err
}

// Forms are the URLs there may be, for messages.
const Forms = "want redis://[user:password@]host:6379[/db], rediss:// for TLS, " +
	"?addr=host:port for each further node of a Cluster, or ?master_name=… on the address of a Sentinel"

// clients opens clients that connect when they are first used. A pool of 0
// means the size that REDIS_URL asks for; connected, if not nil, is called for
// each connection made.
type clients func(pool int, connected func()) redis.UniversalClient

// dialer gives what opens clients for raw, and has l be its user and password.
func dialer(raw string, l *login, own ownTLS) (clients, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The cause quotes raw; an unescaped / or # in the password is the
		// usual one.
		return nil, errors.New("REDIS_URL cannot be read: " + Forms + "; signs in a password are percent-encoded")
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, errors.New("REDIS_URL has another scheme: " + Forms)
	}
	if u.Hostname() == "" {
		return nil, errors.New("REDIS_URL names no host: " + Forms)
	}
	if strings.Contains(u.Host, ",") {
		return nil, errors.New("REDIS_URL names several hosts in one place: " + Forms)
	}
	q := u.Query()
	for _, name := range []string{"read_only", "route_by_latency", "route_randomly", "replica_only"} {
		if q.Has(name) {
			// A replica lags: a session read there looks older than the
			// cookie, which means theft, or gone, which means signed out.
			return nil, fmt.Errorf("REDIS_URL sends reads to replicas, which lag behind: take out %s", name)
		}
	}
	if err := checkSizes(q); err != nil {
		return nil, err
	}
	switch {
	case q.Has("master_name"):
		return sentinelDialer(raw, l, own)
	case q.Has("addr"):
		return clusterDialer(raw, l, own)
	default:
		return serverDialer(raw, l, own)
	}
}

// maxConnections is more than a Redis server takes (maxclients is 10,000 at first).
const maxConnections = 100_000

// checkSizes refuses what go-redis panics at, or takes the memory for at once.
func checkSizes(q url.Values) error {
	var mistakes []error
	for _, size := range []struct {
		name    string
		highest int
	}{
		{"pool_size", maxConnections},
		{"min_idle_conns", maxConnections},
		{"max_idle_conns", maxConnections},
		{"max_active_conns", maxConnections},
		{"max_concurrent_dials", maxConnections},
		{"pipeline_pool_size", maxConnections},
		{"pipeline_read_buffer_size", 64 << 20},
		{"pipeline_write_buffer_size", 64 << 20},
	} {
		for _, value := range q[size.name] {
			// go-redis refuses what is not a number.
			if n, err := strconv.Atoi(value); err == nil && (n < 0 || n > size.highest) {
				mistakes = append(mistakes, fmt.Errorf("REDIS_URL has %s=%d: choose 1 to %d, or take it out", size.name, n, size.highest))
			}
		}
	}
	return errors.Join(mistakes...)
}

// malformed keeps of go-redis' complaint what cannot be part of a password.
func malformed(err error) error {
	// With an @ it is the rest of a password that has a ? in it.
	if option, ok := strings.CutPrefix(err.Error(), "redis: unexpected option: "); ok && !strings.Contains(option, "@") {
		return fmt.Errorf("REDIS_URL has an option that is not known: %s", option)
	}
	return errors.New("REDIS_URL has a part that cannot be read: " + Forms)
}

func serverDialer(raw string, l *login, own ownTLS) (clients, error) {
	o, err := redis.ParseURL(raw)
	if err != nil {
		return nil, malformed(err)
	}
	if err := own.check(o.TLSConfig); err != nil {
		return nil, err
	}
	defaults(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ClientName)
	or(&o.MaxRetries, 1)
	o.Dialer = own.dial(o.TLSConfig, o.DialTimeout)
	o.DialerRetries, o.ContextTimeoutEnabled, o.DisableIdentity = 1, true, true
	o.MaintNotificationsConfig = noMaintNotifications()
	o.CredentialsProviderContext = l.begin(o.Username, o.Password)
	return func(pool int, connected func()) redis.UniversalClient {
		mine := *o
		mine.OnConnect = onConnect(connected)
		if pool > 0 {
			mine.PoolSize, mine.MinIdleConns = pool, 0
		}
		c := redis.NewClient(&mine)
		c.AddHook(loginHook{l})
		return c
	}, nil
}

func sentinelDialer(raw string, l *login, own ownTLS) (clients, error) {
	o, err := redis.ParseFailoverURL(raw)
	if err != nil {
		return nil, malformed(err)
	}
	if o.MasterName == "" {
		return nil, errors.New("REDIS_URL has an empty master_name: name the set that the Sentinels watch")
	}
	if err := own.check(o.TLSConfig); err != nil {
		return nil, err
	}
	defaults(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ClientName)
	or(&o.MaxRetries, 1)
	o.Dialer = own.dial(o.TLSConfig, o.DialTimeout)
	o.DialerRetries, o.ContextTimeoutEnabled, o.DisableIdentity = 1, true, true
	o.CredentialsProviderContext = l.begin(o.Username, o.Password)
	return func(pool int, connected func()) redis.UniversalClient {
		mine := *o
		mine.OnConnect = onConnect(connected)
		if pool > 0 {
			mine.PoolSize, mine.MinIdleConns = pool, 0
		}
		c := redis.NewFailoverClient(&mine)
		c.AddHook(loginHook{l})
		return c
	}, nil
}

// ClientName is what CLIENT LIST shows an operator.
const ClientName = "gatehouse"

func onConnect(connected func()) func(context.Context, *redis.Conn) error {
	if connected == nil {
		return nil
	}
	return func(context.Context, *redis.Conn) error {
		connected()
		return nil
	}
}

// defaults are for what a URL may say and does not.
func defaults(dial, read, write, pool *time.Duration, name *string) {
	or(dial, dialTimeout)
	or(read, IOTimeout)
	or(write, IOTimeout)
	or(pool, poolTimeout)
	or(name, ClientName)
}

func or[T comparable](field *T, otherwise T) {
	var unset T
	if *field == unset {
		*field = otherwise
	}
}

// noMaintNotifications spares every connection a command that only some hosted
// Redis understands.
func noMaintNotifications() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
