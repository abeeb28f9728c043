package sqlconn

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

// checkTLS refuses what would leave a connection in the clear, or the server
// unverified, although there are TLS files (ownTLS).
func checkTLS(cfg *mysql.Config, ownTLS bool) error {
	verifies := cfg.TLS != nil && !cfg.TLS.InsecureSkipVerify && !cfg.AllowFallbackToPlaintext
	switch {
	case cfg.Net == "unix" && (ownTLS || verifies):
		return errors.New("the MySQL DSN leads to a socket of this machine, where there is no server's name to verify: take TLS out, or use tcp(host:3306)")
	case !ownTLS || verifies:
		return nil
	case cfg.TLS == nil:
		return errors.New("the MySQL DSN is without TLS, which MYSQL_TLS_CA, MYSQL_TLS_CERT and MYSQL_TLS_KEY are for: add tls=true, as in /gatehouse?tls=true (or take them out)")
	}
	return errors.New("the MySQL DSN has a tls= by which any server would be taken for the right one: write tls=true, MYSQL_TLS_CA names the authority")
}

// explainedConnector adds to a failure what to do about a certificate that is
// missing or not known.
type explainedConnector struct {
	driver.Connector
	overTLS, certified bool
}

// Connect implements driver.Connector.
func (c explainedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err == nil {
		return conn, nil
	}
	const denied = 1045 // ER_ACCESS_DENIED_ERROR, also for who comes without TLS
	unknown, _ := errors.AsType[*tls.CertificateVerificationError](err)
	refusal, _ := errors.AsType[*mysql.MySQLError](err)
	switch {
	case unknown != nil:
		err = fmt.Errorf("%w (MYSQL_TLS_CA names a file with the authority of the server's certificate, and the certificate has to have the server's name)", err)
	case refusal == nil || refusal.Number != denied:
	case !c.overTLS:
		err = fmt.Errorf("%w (or the user is one with REQUIRE SSL: add tls=true to the DSN)", err)
	case !c.certified:
		err = fmt.Errorf("%w (or the user is one with REQUIRE X509: MYSQL_TLS_CERT and MYSQL_TLS_KEY)", err)
	}
	return nil, err
}

func newConnector(cfg *mysql.Config, l *login) (driver.Connector, error) {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errBadDSN(err)
	}
	return &loginConnector{explainedConnector{connector, cfg.TLS != nil, l.files.HasCertificate()}, l}, nil
}
