package filestore_test

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func TestMain(m *testing.M) {
	if actAsChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, c filestore.Config) *filestore.Store {
	t.Helper()
	s, err := reopen(t, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func reopen(t *testing.T, c filestore.Config) (*filestore.Store, error) {
	t.Helper()
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	return filestore.Open(c)
}

func TestSessionsInMemory(t *testing.T) {
	sessiontest.RunSessions(t, func(t *testing.T, clock *sessiontest.Clock) sessiontest.Store {
		return open(t, filestore.Config{Now: clock.Now})
	})
}

func TestSessionsInAFolder(t *testing.T) {
	sessiontest.RunSessions(t, func(t *testing.T, clock *sessiontest.Clock) sessiontest.Store {
		return open(t, filestore.Config{Dir: t.TempDir(), Now: clock.Now})
	})
}
