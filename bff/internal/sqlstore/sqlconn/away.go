package sqlconn

import (
	"errors"
	"slices"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// awayCodes are the errors of a MySQL server that cannot serve reads or writes for
// now; every other error is about the statement. Those of a server that only
// reads (1290, 1792, 1836) never arrive: the driver closes the connection instead,
// see RejectReadOnly.
var awayCodes = []uint16{
	1040, // too many connections
	1042, // cannot resolve the client's address
	1047, // "not yet prepared node for application use": Galera without a quorum
	1053, // shutting down
	1129, // the host has had too many errors
	1203, // the user has too many connections
	1226, // the user has used up a resource
	1317, // the query was interrupted: by KILL, or a server that ends
	1927, // the connection was killed: MariaDB
	3100, // a plug-in refused to commit: Group Replication without a quorum
	3168, // the server is not available: MySQL, in the middle of a change of its state
	9001, // TiDB: the placement driver does not answer in time
	9002, // TiDB: TiKV does not answer in time
	9003, // TiDB: TiKV is busy
	9004, // TiDB: a lock of another transaction is in the way for too long
	9005, // TiDB: a region is not available
}

// Away distinguishes a database that is unavailable at the moment, which is worth
// another try, from one that has understood and refuses: a wrong password, a
// missing right or table, tables that are newer.
func Away(err error) bool {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return slices.Contains(awayCodes, e.Number) || mysqlConflict(err) || mysqlOverran(err)
	}
	return errors.Is(err, auth.ErrDatabase)
}
