package sqlchecks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

func (e *examination) rights(ctx context.Context) (doctor.Result, error) {
	lines, err := e.grantLines(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	g := parseGrants(lines, e.Pool.Server.DBName)
	lacks, lacksForMigration := g.missing(serveRights, Tables...), g.missing(migrateRights)
	on := " ON `" + e.Pool.Server.DBName + "`.*"
	switch upToDate := e.upToDate(ctx); {
	case len(lacks) > 0:
		r := doctor.Result{State: doctor.Problem, Found: "the account lacks " + strings.Join(lacks, ", ") + on, Fix: "GRANT " + strings.Join(lacks, ", ") + on + " TO the account."}
		if len(g.roles) > 0 {
			r.Fix += " Or have its role (" + strings.Join(g.roles, ", ") + ") active by itself: SET DEFAULT ROLE."
		}
		return r, nil
	case len(lacksForMigration) == 0:
		return doctor.Result{State: doctor.OK, Found: "the account may do all that `serve` and `migrate` do"}, nil
	case upToDate:
		return doctor.Result{State: doctor.OK, Found: "enough for `serve`; `migrate` of a later version needs an account with " + strings.Join(lacksForMigration, ", ")}, nil
	default:
		return doctor.Result{State: doctor.Problem, Found: "the tables are not up to date, and the account lacks " + strings.Join(lacksForMigration, ", ") + on,
			Fix: "Run `gatehouse migrate` with an account that has them, or GRANT " + strings.Join(lacksForMigration, ", ") + on + " TO this one."}, nil
	}
}

// grantLines are those of the account and of its active roles.
func (e *examination) grantLines(ctx context.Context) ([]string, error) {
	lines, err := e.texts(ctx, "SHOW GRANTS")
	if err != nil {
		return nil, err
	}
	var active sql.NullString
	if err := e.Pool.QueryRowContext(ctx, "SELECT CURRENT_ROLE()").Scan(&active); err != nil || !active.Valid || active.String == "NONE" {
		return lines, nil // servers before roles do not know the function
	}
	// MariaDB includes the active role by itself. The value is quoted by MySQL.
	if v, err := e.read(ctx); err == nil && !strings.Contains(strings.ToLower(v.global["version"]), mariadbMarker) {
		if more, err := e.texts(ctx, "SHOW GRANTS FOR CURRENT_USER() USING "+active.String); err == nil {
			lines = append(lines, more...)
		}
	}
	return lines, nil
}

func (e *examination) texts(ctx context.Context, query string) (texts []string, err error) {
	rows, err := e.Pool.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}

func (e *examination) writable(ctx context.Context) (doctor.Result, error) {
	v, err := e.read(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	var set []string
	for _, name := range []string{"read_only", "super_read_only", "innodb_read_only"} {
		// Newer MariaDB has more values for it than ON and OFF.
		if value := v.global[name]; value != "" && value != "OFF" && value != "0" {
			set = append(set, name+" is "+value)
		}
	}
	const fix = "Let MYSQL_DSN lead to the writer (the primary), or end the mode there: SET GLOBAL read_only = OFF."
	writing := e.Write(ctx)
	refused, answered := errors.AsType[*mysql.MySQLError](writing)
	untested := answered && refused.Number == sqlconn.NoSuchTable
	switch {
	case len(set) > 0 && writing != nil:
		return doctor.Result{State: doctor.Problem, Found: strings.Join(set, ", ") + ": it takes no writes", Fix: fix}, nil
	case len(set) > 0:
		return doctor.Result{State: doctor.Warning, Found: strings.Join(set, ", ") + ", and this account writes nevertheless: on a replica that breaks the replication", Fix: fix}, nil
	case writing == nil || untested:
		return doctor.Result{State: doctor.OK, Found: "it takes writes"}, nil
	case answered:
		return doctor.Result{State: doctor.Problem, Found: "a write that changes nothing was refused: " + refused.Error(), Fix: "mysql.rights, mysql.schema and mysql.cluster tell why; else let MYSQL_DSN lead to the writer."}, nil
	}
	return doctor.Result{}, writing
}

// tables: an engine or a character set that a migration did not choose was forced
// on it by the server, or by a later ALTER.
func (e *examination) tables(ctx context.Context) (_ doctor.Result, err error) {
	rows, err := e.Pool.QueryContext(ctx, "SELECT table_name, COALESCE(engine, ''), COALESCE(table_collation, '') FROM information_schema.tables WHERE table_schema = DATABASE()")
	if err != nil {
		return doctor.Result{}, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	seen, odd := 0, []string{}
	for rows.Next() {
		var name, engine, collation string
		if err := rows.Scan(&name, &engine, &collation); err != nil {
			return doctor.Result{}, err
		}
		if !slices.Contains(Tables, name) || name == "goose_db_version" {
			continue
		}
		seen++
		if engine != "InnoDB" || !strings.HasPrefix(collation, "utf8mb4") {
			odd = append(odd, fmt.Sprintf("%s is %s, %s", name, engine, collation))
		}
	}
	if len(odd) > 0 {
		return doctor.Result{State: doctor.Problem, Found: strings.Join(odd, "; "), Fix: "ALTER TABLE … ENGINE=InnoDB, CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci: without transactions accounts are changed by halves."}, rows.Err()
	}
	if seen == 0 {
		return doctor.Result{State: doctor.OK, Found: "none yet"}, rows.Err()
	}
	return doctor.Result{State: doctor.OK, Found: "InnoDB and utf8mb4"}, rows.Err()
}

// session: a proxy in between may have dropped the variables that the connection set.
func (e *examination) session(ctx context.Context) (doctor.Result, error) {
	v, err := e.read(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	for _, name := range []string{"character_set_client", "character_set_connection"} {
		if got := v.session[name]; got != "utf8mb4" {
			return doctor.Result{State: doctor.Problem, Found: name + " is " + got + ", which Gatehouse set to utf8mb4: something between drops what connections are told",
				Fix: "Have the proxy in front of MySQL keep session variables, or connect without it."}, nil
		}
	}
	if mode := v.session["sql_mode"]; !strings.Contains(mode, "STRICT_TRANS_TABLES") {
		return doctor.Result{State: doctor.Problem, Found: "sql_mode is not strict: what is too long would be cut and stored",
			Fix: "Have the proxy in front of MySQL keep session variables, or connect without it."}, nil
	}
	if v.global["log_bin"] == "ON" && v.global["binlog_format"] == "STATEMENT" {
		return doctor.Result{State: doctor.Problem, Found: "binlog_format is STATEMENT, with which the server refuses transactions at READ COMMITTED",
			Fix: "SET GLOBAL binlog_format = 'ROW', and in the server's configuration."}, nil
	}
	return doctor.Result{State: doctor.OK, Found: "utf8mb4, strict"}, nil
}

// clusterOfThree is the smallest that goes on after the death of one.
const clusterOfThree = 3

func (e *examination) cluster(ctx context.Context) (doctor.Result, error) {
	v, err := e.read(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	return judgeCluster(v), nil
}

func judgeCluster(v *variables) doctor.Result {
	if v.global["wsrep_on"] != "ON" && v.session["wsrep_on"] != "ON" {
		return doctor.Result{State: doctor.OK, Found: "no Galera: one writer"}
	}
	size, _ := strconv.Atoi(v.status["wsrep_cluster_size"])
	sync, _ := strconv.Atoi(v.session["wsrep_sync_wait"])
	found := fmt.Sprintf("Galera, %s, %s, wsrep_sync_wait %d", doctor.Plural(size, "node"), v.status["wsrep_local_state_comment"], sync)
	switch {
	case v.status["wsrep_ready"] != "ON" || v.status["wsrep_cluster_status"] != "Primary":
		return doctor.Result{State: doctor.Problem, Found: found + fmt.Sprintf(": this node is not part of the cluster (wsrep_ready %s, wsrep_cluster_status %s)", v.status["wsrep_ready"], v.status["wsrep_cluster_status"]),
			Fix: "Bring the other nodes back, or let MYSQL_DSN lead to a node that has them."}
	case sync&1 == 0:
		return doctor.Result{State: doctor.Warning, Found: found + ": a node answers reads from a moment ago, and a sign-in right after the sign-up may be refused",
			Fix: "Put wsrep_sync_wait=1 into MYSQL_DSN, unless all instances use one node."}
	case size < clusterOfThree:
		return doctor.Result{State: doctor.Warning, Found: found + ": the death of one stops the rest", Fix: "Have three nodes or more, an odd number."}
	}
	return doctor.Result{State: doctor.OK, Found: found}
}
