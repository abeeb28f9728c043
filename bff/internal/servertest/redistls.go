package servertest

import (
	"strconv"
	"testing"
)

// wire is how a Redis is spoken to: its options for a port, and the scheme of
// its URL.
type wire struct {
	scheme  string
	options func(port int) []string
}

// plain is without TLS.
func plain() wire {
	return wire{"redis", func(port int) []string { return []string{"--port", strconv.Itoa(port)} }}
}

// overTLS is nothing but TLS, between servers as well. The server has a
// certificate of the authority's; wantsClients says whether those who come have to
// have one, too.
func overTLS(a *Authority, wantsClients bool) wire {
	clients := "no"
	if wantsClients {
		clients = "yes"
	}
	cert, key := a.Issue("a Redis for tests", nil)
	return wire{"rediss", func(port int) []string {
		return []string{
			"--port", "0", "--tls-port", strconv.Itoa(port), "--tls-auth-clients", clients, "--tls-replication", "yes", "--tls-cluster", "yes",
			"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", a.File,
		}
	}}
}

// RedisTLSHandle is a Redis that speaks nothing but TLS.
type RedisTLSHandle struct {
	RedisHandle

	socket string
}

// RedisOverTLS starts a server for this test alone, with a certificate of the
// authority's. wantsClients: those who come have to have one, too. URL is
// rediss://127.0.0.1:port.
func RedisOverTLS(tb testing.TB, a *Authority, wantsClients bool) *RedisTLSHandle {
	tb.Helper()
	s, err := startRedis(tb.Context(), tempDir(tb), overTLS(a, wantsClients))
	if err != nil {
		unavailable(tb, err)
	}
	h := &RedisTLSHandle{RedisHandle{Handle{tb, s.process}, s.URL}, s.socket}
	tb.Cleanup(h.Stop)
	return h
}

// Ask sends one command as an administrator, past TLS, and gives its answer.
func (h *RedisTLSHandle) Ask(command string) string {
	h.tb.Helper()
	answer, err := redisAsk(h.tb.Context(), h.socket, command)
	h.must(err)
	return answer
}

// SentinelOverTLS is Sentinel where all three speak nothing but TLS, and want
// certificates of the authority's from each other and from clients.
func SentinelOverTLS(tb testing.TB, a *Authority) *SentinelHandle {
	tb.Helper()
	return startSentinel(tb, overTLS(a, true))
}

// ClusterOverTLS is Cluster, the same way.
func ClusterOverTLS(tb testing.TB, a *Authority, masters int) *ClusterHandle {
	tb.Helper()
	return startCluster(tb, overTLS(a, true), masters, false)
}
