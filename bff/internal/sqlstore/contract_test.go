package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		os.Exit(migrateInChild(dsn))
	}
	code := servertest.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// engines are the databases that everything here runs on. Each gives the Config
// of an empty one.
var engines = map[string]func(t *testing.T) Config{
	"SQLite": func(t *testing.T) Config {
		return Config{SQLitePath: filepath.Join(t.TempDir(), "gatehouse.db")}
	},
	"MariaDB": func(t *testing.T) Config {
		return Config{MySQLDSN: servertest.MariaDB(t)}
	},
}

func onEveryEngine(t *testing.T, run func(t *testing.T, c Config)) {
	for name, empty := range engines {
		t.Run(name, func(t *testing.T) { run(t, empty(t)) })
	}
}

// patience is for what comes at once on an idle machine.
const patience = time.Minute

// openDB opens c, without migrating it.
func openDB(t *testing.T, c Config) *DB {
	t.Helper()
	if c.Now == nil {
		c.Now = sessiontest.NewClock().Now
	}
	c.QuestionTimeout = cmp.Or(c.QuestionTimeout, patience)
	c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func migrated(t *testing.T, c Config) *DB {
	t.Helper()
	db := openDB(t, c)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestUsersContract(t *testing.T) {
	for name, empty := range engines {
		t.Run(name, func(t *testing.T) {
			authtest.RunUsers(t, func(t *testing.T) auth.Users { return migrated(t, empty(t)) })
		})
	}
}

func TestAuditContract(t *testing.T) {
	for name, empty := range engines {
		t.Run(name, func(t *testing.T) {
			authtest.RunAudit(t, func(t *testing.T) (auth.Users, authtest.Trail) {
				db := migrated(t, empty(t))
				return db, readable{db}
			})
		})
	}
}

func TestAuditKeeperContract(t *testing.T) {
	for name, empty := range engines {
		t.Run(name, func(t *testing.T) {
			authtest.RunAuditKeeper(t, func(t *testing.T, now func() time.Time) authtest.KeptTrail {
				c := empty(t)
				c.Now = now
				return readable{migrated(t, c)}
			})
		})
	}
}

type readable struct{ *DB }

func (r readable) Events(t *testing.T) []auth.Event {
	t.Helper()
	var rows []auditRow
	if err := r.orm.WithContext(t.Context()).Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	var events []auth.Event
	for _, row := range rows {
		events = append(events, row.event())
	}
	return events
}

// within gives a context that ends after d, and with the test.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
