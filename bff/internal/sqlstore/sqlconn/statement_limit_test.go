package sqlconn

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// limitedServer is a server's version and what it says of a variable.
type limitedServer struct {
	driver.Connector
	version string
	refusal error
	broken  bool
	set     []string
	closed  int
}

func (s *limitedServer) Connect(context.Context) (driver.Conn, error) {
	return &limitedConn{server: s}, nil
}

type limitedConn struct {
	driver.Conn
	server *limitedServer
	read   bool
}

func (c *limitedConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return c, nil
}

func (c *limitedConn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	c.server.set = append(c.server.set, query)
	return nil, c.server.refusal
}
func (c *limitedConn) IsValid() bool     { return !c.server.broken }
func (c *limitedConn) Columns() []string { return []string{"VERSION()"} }
func (c *limitedConn) Close() error {
	if !c.read {
		c.server.closed++
	}
	c.read = false
	return nil
}

func (c *limitedConn) Next(row []driver.Value) error {
	if c.read {
		return io.EOF
	}
	row[0], c.read = []byte(c.server.version), true
	return nil
}

// A variable that the server does not know must not cost the connection.
func TestLimitIsSetAsTheServerKnowsIt(t *testing.T) {
	unknown := &mysql.MySQLError{Number: 1193, Message: "Unknown system variable"}
	for name, test := range map[string]struct {
		server limitedServer
		set    string
		fails  bool
		warns  int
	}{
		"MariaDB":             {limitedServer{version: "10.11.19-MariaDB-0+deb12u1"}, "SET SESSION max_statement_time = 2.800", false, 0},
		"MySQL":               {limitedServer{version: "8.4.3"}, "SET SESSION max_execution_time = 2800", false, 0},
		"TiDB":                {limitedServer{version: "8.0.11-TiDB-v8.5.0"}, "SET SESSION max_execution_time = 2800", false, 0},
		"an old server":       {limitedServer{version: "5.6.51", refusal: unknown}, "SET SESSION max_execution_time = 2800", false, 1},
		"a broken connection": {limitedServer{version: "8.4.3", refusal: driver.ErrBadConn, broken: true}, "SET SESSION max_execution_time = 2800", true, 0},
	} {
		var log bytes.Buffer
		c := &limitedConnector{Connector: &test.server, limit: statementLimit(3 * time.Second), log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 3 {
			conn, err := c.Connect(t.Context())
			if (err != nil) != test.fails || (conn == nil) != test.fails {
				t.Errorf("%s: %v, %v", name, conn, err)
			}
			if test.fails && !errors.Is(err, driver.ErrBadConn) {
				t.Errorf("%s: %v, want driver.ErrBadConn, for another connection to be tried", name, err)
			}
		}
		if got := test.server.set; len(got) != 3 || got[0] != test.set {
			t.Errorf("%s: %q, want %q on each connection", name, got, test.set)
		}
		if n := strings.Count(log.String(), "goes on there"); n != test.warns {
			t.Errorf("%s: %d warnings, want %d: %s", name, n, test.warns, log.String())
		}
	}
}
