package redisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// dial is what go-redis calls for each connection, to a Sentinel as well.
type dial func(ctx context.Context, network, addr string) (net.Conn, error)

// ownTLS are TLS files, if there are to be any.
type ownTLS struct {
	wanted bool
	files  *tlsfiles.Source
}

// dial gives what connects by base, which go-redis has read out of a rediss://
// URL; nil, which leaves it to go-redis, without one.
func (own ownTLS) dial(base *tls.Config, timeout time.Duration) dial {
	if base == nil {
		return nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c := base.Clone()
		c.ServerName = certified(addr, base.ServerName)
		own.files.Configure(c)
		d := tls.Dialer{Config: c, NetDialer: &net.Dialer{
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3}, // go-redis' own
		}}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return d.DialContext(ctx, network, addr)
	}
}

// certified is the name that a server has to have in its certificate: that of its
// address. The nodes of a Cluster, and what a Sentinel watches, often give an IP
// address and have none in their certificate: then it is the name in the URL.
func certified(addr, inURL string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || net.ParseIP(host) != nil && net.ParseIP(inURL) == nil {
		return inURL
	}
	return host
}

// check refuses TLS files that would count for nothing: what is meant to be
// encrypted and verified would not be.
func (own ownTLS) check(base *tls.Config) error {
	switch {
	case !own.wanted:
		return nil
	case base == nil:
		return errors.New("REDIS_TLS_CA, REDIS_TLS_CERT and REDIS_TLS_KEY are for TLS, and REDIS_URL is without: write rediss:// (or take them out)")
	case base.InsecureSkipVerify:
		return errors.New("REDIS_URL has skip_verify, so that any server would be taken for the right one: take it out, REDIS_TLS_CA names the authority")
	}
	return nil
}

// Explain adds what to do about a certificate that is missing or not known.
func (s *Source) Explain(err error) error {
	unknown, _ := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case err == nil:
		return nil
	case unknown != nil:
		return fmt.Errorf("%w (REDIS_TLS_CA names a file with the authority of the server's certificate, and the certificate has to have the server's name)", err)
	case !s.login.tls.files.HasCertificate() && (strings.Contains(err.Error(), "tls: certificate required") || strings.Contains(err.Error(), "tls: handshake failure")):
		return fmt.Errorf("%w (the server may want a client's certificate: REDIS_TLS_CERT and REDIS_TLS_KEY)", err)
	}
	return err
}
