package sqlchecks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
)

func (e *examination) sqliteChecks() []doctor.Check {
	return []doctor.Check{
		{Name: "sqlite.schema", First: true, Ask: e.Schema},
		{Name: "sqlite.integrity", Ask: e.integrity},
		{Name: "sqlite.trail", Ask: func(ctx context.Context) (doctor.Result, error) {
			oldest, err := e.oldestEvent(ctx)
			if err != nil {
				return doctor.Result{}, err
			}
			// How many there are is in no statistics, and not worth reading the file.
			return judgeTrail("events in the database file", 0, oldest, e.Now(), e.Retention), nil
		}},
	}
}

// integrity ends with ctx: a big file takes longer than the limit of a check.
func (e *examination) integrity(ctx context.Context) (doctor.Result, error) {
	said, err := e.texts(ctx, "PRAGMA quick_check(5)")
	const fix = "Stop the server and restore the backup; `sqlite3 gatehouse.db .recover` saves what can be read."
	if e, ok := errors.AsType[*sqlite.Error](err); ok && slices.Contains([]int{sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}, e.Code()&0xff) {
		return doctor.Result{State: doctor.Problem, Found: "the file is damaged: " + e.Error(), Fix: fix}, nil
	}
	if err != nil {
		return doctor.Result{Fix: "Stop the server and run `sqlite3 gatehouse.db 'PRAGMA quick_check'`, which takes its time."}, err
	}
	if len(said) == 1 && said[0] == "ok" {
		return doctor.Result{State: doctor.OK, Found: "PRAGMA quick_check finds nothing wrong"}, nil
	}
	return doctor.Result{State: doctor.Problem, Found: fmt.Sprintf("the file is damaged: %s", strings.Join(said, "; ")), Fix: fix}, nil
}
