package sqlstore

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// A server that hangs answered nobody for ten seconds, and those who waited
// for a connection for a multiple of that.
func TestHungServerIsGivenUpSoonByEveryQuestion(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	db := migrated(t, Config{MySQLDSN: server.Database(), QuestionTimeout: questionTimeout})
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	began := time.Now()
	var run errgroup.Group
	for range 3 * sqlconn.MaxConnections {
		run.Go(func() error {
			if _, err := db.ByID(t.Context(), "id"); !errors.Is(err, auth.ErrDatabase) {
				t.Errorf("ByID: %v, want ErrDatabase", err)
			}
			return nil
		})
	}
	_ = run.Wait()
	// By the connections' own timeouts it took three times ten seconds.
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the last question was given up after %s", took)
	}
	server.Resume()
	for deadline := time.Now().Add(patience); ; {
		_, err := db.ByID(t.Context(), "id")
		if errors.Is(err, auth.ErrNoUser) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not recover: %v", err)
		}
	}
}
