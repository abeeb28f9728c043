package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// Names under which /readyz reports the database.
const (
	databaseDown = "mysql"        // it does not answer, or refuses writes
	migrating    = "migrating"    // its tables are being brought up to date
	schemaNewer  = "schema_newer" // a newer version has migrated them
)

// Queries fail with these until the tables are known to match this binary.
var (
	errSchemaUnknown = errors.New("the tables have not been looked at yet, as the database has not answered since the start")
	errMigrating     = errors.New("the tables are being brought up to date")
)

// schema migrates the tables beside the requests. An instance that is started
// during an outage of MySQL serves sessions and proxied requests, which do not need
// it: instances that did not start turned an outage that people hardly noticed into
// one of everything.
type schema struct {
	db  *sqlstore.DB
	log *slog.Logger
	// state is the name that /readyz reports, "" once the tables are up to date.
	state atomic.Pointer[string]
	// known is closed at the first verdict: the tables are up to date, or the
	// database is away.
	known chan struct{}
}

func newSchema(db *sqlstore.DB, log *slog.Logger) *schema {
	s := &schema{db: db, log: log, known: make(chan struct{})}
	s.enter(databaseDown, errSchemaUnknown)
	return s
}

func (s *schema) enter(state string, why error) {
	s.db.Hold(why)
	s.state.Store(&state)
}

// down returns the name under which /readyz reports the database, or "".
func (s *schema) down(ctx context.Context) string {
	if state := *s.state.Load(); state != "" && state != databaseDown {
		return state
	}
	if s.db.Ping(ctx) != nil {
		return databaseDown
	}
	return ""
}

// undecided reports whether the first verdict is still to come.
func (s *schema) undecided() bool {
	select {
	case <-s.known:
		return false
	default:
		return true
	}
}

const (
	firstSchemaPause   = 250 * time.Millisecond
	longestSchemaPause = 2 * time.Second
)

// run returns nil when the tables are up to date or ctx has ended. Its error ends
// the server: when the database refuses at the start (a wrong password, a missing
// right, newer tables), a rollout stops there. After the start a refusal must not
// take sessions and proxied requests down as well; run tries again until it works.
// decided is called at the first verdict.
func (s *schema) run(ctx context.Context, decided func()) error {
	said := ""
	for pause := firstSchemaPause; ; pause = min(2*pause, longestSchemaPause) {
		err := s.bringUpToDate(ctx)
		if ctx.Err() != nil {
			return nil
		}
		first := s.undecided()
		if err != nil && first && !sqlconn.Away(err) {
			return fmt.Errorf("migrate: %w", err)
		}
		state, why := "", error(nil)
		switch {
		case errors.Is(err, sqlstore.ErrSchemaNewer):
			state, why = schemaNewer, err
			s.sayOnce(&said, state, "the tables are those of a newer version: what needs the database is a 503 until that one runs here", err)
		case err != nil && sqlconn.Away(err):
			state, why = databaseDown, err
			s.sayOnce(&said, state, "MySQL cannot be asked: what needs it is a 503, sessions and proxied requests go on", err)
		case err != nil: // its own line: after an outage's line, a wrong password would not be logged
			state, why = databaseDown, err
			s.sayOnce(&said, "refused", "MySQL refuses: what needs it is a 503, sessions and proxied requests go on; it is tried again", err)
		case said != "":
			s.log.Info("MySQL can be asked, and the tables are up to date")
		}
		s.enter(state, why)
		if first {
			close(s.known)
			decided()
		}
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// sayOnce logs a fault once for as long as it stays the same.
func (s *schema) sayOnce(said *string, wrong, message string, err error) {
	if *said != wrong {
		*said = wrong
		s.log.Error(message, "error", err)
	}
}

func (s *schema) bringUpToDate(ctx context.Context) error {
	if err := s.db.Reach(ctx); err != nil {
		return err
	}
	if *s.state.Load() != schemaNewer {
		s.enter(migrating, errMigrating)
	}
	return s.db.Migrate(ctx)
}
