package sqlconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// statementLimit is how long the server goes on with one statement. It is a
// little less than a caller waits: one who has given up closes the connection,
// which a busy server does not notice. Searches that were given up ran for
// minutes, and sign-ins took six times as long beside them.
func statementLimit(question time.Duration) time.Duration { return question - question/15 }

// The variables that limit a statement. MySQL's is for SELECT alone; what writes
// there is short by itself.
const (
	mariadbLimit = "max_statement_time" // seconds
	mysqlLimit   = "max_execution_time" // ms
)

// limitedConnector sets that limit on each new connection. It is not part of the
// DSN, which the driver sends as one SET: a variable that a server does not know
// would be a connection that cannot be made. A server that refuses it, an old
// one or a proxy, has no limit then, and that is logged once.
type limitedConnector struct {
	driver.Connector
	limit   time.Duration
	log     *slog.Logger
	refused sync.Once
}

// Connect implements driver.Connector.
func (c *limitedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := limitStatements(ctx, conn, c.limit); err != nil {
		if ctx.Err() != nil || !conn.(driver.Validator).IsValid() {
			_ = conn.Close() // it is broken, and err says how
			return nil, err
		}
		c.refused.Do(func() {
			c.log.Warn("the database does not limit how long a statement may take: what is given up goes on there", "error", err)
		})
	}
	return conn, nil
}

func limitStatements(ctx context.Context, conn driver.Conn, limit time.Duration) error {
	version, err := serverVersion(ctx, conn)
	if err != nil {
		return fmt.Errorf("its version: %w", err)
	}
	set := fmt.Sprintf("SET SESSION %s = %d", mysqlLimit, limit.Milliseconds())
	if strings.Contains(strings.ToLower(version), "mariadb") {
		set = fmt.Sprintf("SET SESSION %s = %.3f", mariadbLimit, limit.Seconds())
	}
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, set, nil)
	return err
}

// mysqlOverran recognises what such a server says of a statement that it has
// ended.
func mysqlOverran(err error) bool {
	const (
		statementTimeout = 1969 // ER_STATEMENT_TIMEOUT: MariaDB
		queryTimeout     = 3024 // ER_QUERY_TIMEOUT: MySQL
	)
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && (e.Number == statementTimeout || e.Number == queryTimeout)
}

func serverVersion(ctx context.Context, conn driver.Conn) (version string, err error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, "SELECT VERSION()", nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return "", err
	}
	if text, ok := row[0].([]byte); ok {
		version = string(text)
	}
	if err := rows.Next(row); err != io.EOF {
		return version, err
	}
	return version, nil
}
