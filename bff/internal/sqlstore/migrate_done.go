package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// errInTheWay means that something has the name of what a migration makes and is
// something else.
var errInTheWay = errors.New("it is not as this migration makes it: rename or remove it, and start again")

var (
	createTable = regexp.MustCompile(`(?i)^CREATE TABLE (\w+)`)
	createIndex = regexp.MustCompile(`(?is)^CREATE (UNIQUE )?INDEX (\w+) ON (\w+) \(([^)]*)\)`)
)

// mysqlIsDone reports whether a statement that failed has been carried out
// before: the table or the index that it makes is there, as it makes it.
func mysqlIsDone(ctx context.Context, pool *sql.DB, statement string, failure error) (bool, error) {
	const (
		tableExists = 1050 // ER_TABLE_EXISTS_ERROR
		duplicate   = 1061 // ER_DUP_KEYNAME
	)
	e, ok := errors.AsType[*mysql.MySQLError](failure)
	if !ok {
		return false, nil
	}
	table, index := createTable.FindStringSubmatch(statement), createIndex.FindStringSubmatch(statement)
	switch {
	case e.Number == tableExists && table != nil:
		return true, tableIsAsMade(ctx, pool, table[1], statement)
	case e.Number == duplicate && index != nil:
		return true, indexIsAsMade(ctx, pool, index)
	}
	return false, nil
}

// tableIsAsMade makes the table once more, under another name and for this
// connection alone, and compares.
func tableIsAsMade(ctx context.Context, pool *sql.DB, table, statement string) (err error) {
	const wanted = "gatehouse_wanted"
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, createTable.ReplaceAllString(statement, "CREATE TEMPORARY TABLE "+wanted)); err != nil {
		return err
	}
	want, err := tableLines(ctx, conn, wanted)
	_, dropErr := conn.ExecContext(ctx, "DROP TEMPORARY TABLE "+wanted)
	if err := errors.Join(err, dropErr); err != nil {
		return err
	}
	have, err := tableLines(ctx, conn, table)
	if err != nil {
		return err
	}
	// What it has besides may be of later migrations.
	for _, line := range want {
		if !slices.Contains(have, line) {
			return fmt.Errorf("table %s exists and lacks %s; %w", table, line, errInTheWay)
		}
	}
	return nil
}

// tableLines is a table's definition: its columns and keys.
func tableLines(ctx context.Context, conn *sql.Conn, table string) ([]string, error) {
	var name, text string
	if err := conn.QueryRowContext(ctx, "SHOW CREATE TABLE "+table).Scan(&name, &text); err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line, isPart := strings.CutPrefix(line, "  "); isPart {
			lines = append(lines, strings.TrimRight(line, ",\n"))
		}
	}
	return lines, nil
}

// indexIsAsMade compares an index with what the statement says: UNIQUE, its name,
// its table, its columns.
func indexIsAsMade(ctx context.Context, pool *sql.DB, statement []string) error {
	unique, index, table, want := statement[1] != "", statement[2], statement[3], strings.ReplaceAll(statement[4], " ", "")
	var have string
	var isUnique bool
	err := pool.QueryRowContext(ctx, "SELECT COALESCE(GROUP_CONCAT(column_name ORDER BY seq_in_index), ''), COALESCE(MIN(non_unique) = 0, FALSE) "+
		"FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?", table, index).Scan(&have, &isUnique)
	if err != nil {
		return err
	}
	if have != want || isUnique != unique {
		return fmt.Errorf("index %s of %s exists with the columns %s (unique: %t), not %s (unique: %t); %w",
			index, table, have, isUnique, want, unique, errInTheWay)
	}
	return nil
}
