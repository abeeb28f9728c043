// Package redisconn connects to Redis: to one server, a Sentinel set or a Cluster,
// as REDIS_URL says, over TLS with files of one's own if there are any, and with a
// user and a password that may change meanwhile.
package redisconn

import (
	"cmp"
	"log/slog"
	"net/url"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// Config says where Redis is.
type Config struct {
	// URL is REDIS_URL: redis:// or rediss://; with ?addr= a Cluster (a lone
	// node names itself again); with ?master_name= a Sentinel, where the user
	// and password in front of the host are the Sentinel's, and ?username=
	// &password= those of Redis.
	URL string
	// TLS has the files for a rediss:// URL; nil: the system's authorities.
	TLS *tlsfiles.Source
	// Reread gives the URL as it is written by now, for a login that is refused.
	// Nil: it is as it was.
	Reread func() (string, error)
	// Log gets a line when Reread has given another login. Nil means slog.Default.
	Log *slog.Logger
}

// Source opens clients for one REDIS_URL, with the login and the TLS files of the
// moment. It is safe for concurrent use.
type Source struct {
	login *login
	open  clients
}

// Read reads c and connects to nothing. An error is about the URL and never holds
// the password.
func Read(c Config) (*Source, error) {
	own := ownTLS{c.TLS != nil, c.TLS}
	l := &login{place: placeOf(c.URL), tls: own, log: cmp.Or(c.Log, slog.Default())}
	l.Reread, l.Parse = c.Reread, l.parse
	l.Replaced = func() {
		l.log.Info("Redis refused the login, and REDIS_URL has another one by now: it is used from here on")
	}
	open, err := dialer(c.URL, l, own)
	if err != nil {
		return nil, err
	}
	return &Source{l, open}, nil
}

// Open gives a client that connects when it is first used. A pool of 0 means the
// size that REDIS_URL asks for; connected, if not nil, is called for each
// connection made.
func (s *Source) Open(pool int, connected func()) redis.UniversalClient {
	return s.open(pool, connected)
}

// Topology is the kind of Redis that a REDIS_URL leads to.
type Topology int

// One server, a Cluster, or what Sentinels watch.
const (
	Server Topology = iota
	Cluster
	Sentinel
)

// Topology is that of the URL.
func (s *Source) Topology() Topology {
	u, err := url.Parse(s.login.place)
	switch {
	case err != nil:
		return Server
	case u.Query().Has("master_name"):
		return Sentinel
	case u.Query().Has("addr"):
		return Cluster
	}
	return Server
}

// URL is REDIS_URL without the user and password of Redis. A Sentinel's own are in
// it: it must not be shown.
func (s *Source) URL() string { return s.login.place }

// Host is REDIS_URL's host, and nothing else of it.
func (s *Source) Host() string {
	u, err := url.Parse(s.login.place)
	if err != nil {
		return "the server"
	}
	return u.Host
}

// SentinelClient is the client of one Sentinel.
type SentinelClient struct {
	Addr string
	*redis.SentinelClient
}

// Sentinels gives a client for each Sentinel of the URL, and the name of the set
// that they watch. The caller closes them.
func (s *Source) Sentinels() (found []SentinelClient, set string, err error) {
	o, err := redis.ParseFailoverURL(s.login.place)
	if err != nil {
		return nil, "", malformed(err)
	}
	for _, addr := range o.SentinelAddrs {
		found = append(found, SentinelClient{addr, redis.NewSentinelClient(&redis.Options{
			Addr: addr, Username: o.SentinelUsername, Password: o.SentinelPassword, Dialer: s.login.tls.dial(o.TLSConfig, dialTimeout), MaxRetries: -1, DialerRetries: 1,
			DialTimeout: dialTimeout, ReadTimeout: IOTimeout, WriteTimeout: IOTimeout, ContextTimeoutEnabled: true, DisableIdentity: true,
			MaintNotificationsConfig: noMaintNotifications(),
		})})
	}
	return found, o.MasterName, nil
}
