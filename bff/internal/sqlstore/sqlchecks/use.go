package sqlchecks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// usualInstances is how many there are at least where people depend on it.
const usualInstances = 2

func (e *examination) connections(ctx context.Context) (doctor.Result, error) {
	v, err := e.read(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	limit, err := strconv.Atoi(v.global["max_connections"])
	if err != nil {
		return doctor.Result{}, fmt.Errorf("max_connections is %q", v.global["max_connections"])
	}
	name := "max_connections"
	if own, err := strconv.Atoi(v.session["max_user_connections"]); err == nil && own > 0 && own < limit {
		limit, name = own, "max_user_connections"
	}
	instances, how := e.Instances, "as --instances says"
	if instances == 0 {
		instances, how = e.countInstances(ctx)
	}
	return judgeConnections(e.Pool.Size, instances, how, limit, name), nil
}

// countInstances: from how many addresses is this account connected? Instances
// behind one address count once, so it is a guess that the text shows.
func (e *examination) countInstances(ctx context.Context) (int, string) {
	var addresses int
	err := e.Pool.QueryRowContext(ctx, "SELECT COUNT(DISTINCT SUBSTRING_INDEX(host, ':', 1)) FROM information_schema.processlist"+
		" WHERE user = SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AND id <> CONNECTION_ID()").Scan(&addresses)
	if err != nil || addresses <= usualInstances {
		return usualInstances, "assumed; --instances says it"
	}
	return addresses, "as many addresses are connected; --instances says it"
}

func judgeConnections(pool, instances int, how string, limit int, name string) doctor.Result {
	found := fmt.Sprintf("%s (%s) × %d connections = %d of %s %d", doctor.Plural(instances, "instance"), how, pool, instances*pool, name, limit)
	fix := fmt.Sprintf("Raise %s to %d or more", name, (instances+1)*pool)
	// Fewer do not help: a start that migrates has so many.
	if share := limit / (instances + 1); share >= sqlconn.Migrating {
		fix += fmt.Sprintf(", or lower MYSQL_MAX_CONNECTIONS to %d", share)
	}
	fix += "."
	switch {
	case instances*pool > limit:
		return doctor.Result{State: doctor.Problem, Found: found + ": under load the server refuses connections", Fix: fix}
	case (instances+1)*pool > limit:
		return doctor.Result{State: doctor.Warning, Found: found + ": no space for one more while a version is rolled out", Fix: fix}
	}
	return doctor.Result{State: doctor.OK, Found: found}
}

// measuredTrail is the number of events up to which the product was measured.
const measuredTrail = 5_000_000

// pruneLag is how far pruning may be behind before something is wrong with it: it
// works every ten minutes, and begins with the oldest.
const pruneLag = 24 * time.Hour

// trail asks the server's statistics for the size, as counting would read all of
// it, and the key for the age.
func (e *examination) trail(ctx context.Context) (doctor.Result, error) {
	var rows, bytes int64
	err := e.Pool.QueryRowContext(ctx, "SELECT COALESCE(table_rows, 0), COALESCE(data_length + index_length, 0) FROM information_schema.tables"+
		" WHERE table_schema = DATABASE() AND table_name = 'login_audit'").Scan(&rows, &bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return doctor.Result{State: doctor.OK, Found: "no table yet"}, nil
	}
	if err != nil {
		return doctor.Result{}, err
	}
	oldest, err := e.oldestEvent(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	return judgeTrail(fmt.Sprintf("about %s, %s", doctor.Plural(int(rows), "event"), doctor.Bytes(bytes)), rows, oldest, e.Now(), e.Retention), nil
}

// oldestEvent is the zero time when there is none.
func (e *examination) oldestEvent(ctx context.Context) (time.Time, error) {
	var ms int64
	err := e.Pool.QueryRowContext(ctx, "SELECT at FROM login_audit ORDER BY at, id LIMIT 1").Scan(&ms)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	}
	return time.UnixMilli(ms), nil
}

func judgeTrail(size string, rows int64, oldest, now time.Time, retention time.Duration) doctor.Result {
	if oldest.IsZero() {
		return doctor.Result{State: doctor.OK, Found: "no events yet"}
	}
	const day = 24 * time.Hour
	age := now.Sub(oldest)
	found := fmt.Sprintf("%s, the oldest %s old", size, doctor.Plural(int(age/day), "day"))
	if retention > 0 {
		found += fmt.Sprintf("; AUDIT_RETENTION is %s", doctor.Plural(int(retention/day), "day"))
	} else {
		found += "; kept for ever"
	}
	switch {
	case retention > 0 && age > retention+pruneLag:
		return doctor.Result{State: doctor.Warning, Found: found + ": pruning is behind, or no instance has this setting",
			Fix: "Give every instance the same AUDIT_RETENTION and look for `audit trail not shortened` in their logs; `gatehouse audit prune` does it at once."}
	case retention == 0 && rows > measuredTrail:
		return doctor.Result{State: doctor.Warning, Found: found + ", and larger than was measured",
			Fix: "Set AUDIT_RETENTION, such as 8760h; before that `gatehouse audit export` what must be kept and `gatehouse audit prune --older-than 8760h`."}
	}
	return doctor.Result{State: doctor.OK, Found: found}
}
