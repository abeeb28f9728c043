package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Main runs a package's tests and ends the servers that they share, for use in
// TestMain: os.Exit(servertest.Main(m)). Without it the shared MariaDB ends, and
// is started anew, whenever no test is using it, which costs two seconds each
// time.
func Main(m interface{ Run() int }) int {
	shared.acquire()
	code := m.Run()
	if err := shared.release(); err != nil {
		fmt.Fprintln(os.Stderr, "servertest:", err)
		if code == 0 {
			code = 1
		}
	}
	return code
}

// MariaDB returns the DSN of an empty database of the caller's own on a server
// that all tests of this process share. The database goes with the test.
// A test that stops or pauses the server wants OwnMariaDB.
func MariaDB(tb testing.TB) (dsn string) {
	tb.Helper()
	shared.acquire()
	tb.Cleanup(func() {
		if err := shared.release(); err != nil {
			tb.Error(err)
		}
	})
	s, err := shared.server(tb.Context())
	if err != nil {
		unavailable(tb, err)
	}
	if dsn, err = s.CreateDatabase(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// tb's own context has ended by now.
		if err := s.DropDatabase(context.WithoutCancel(tb.Context()), dsn); err != nil {
			tb.Error(err)
		}
	})
	return dsn
}

// OwnMariaDB starts a server for this test alone.
func OwnMariaDB(tb testing.TB) *MariaDBHandle {
	tb.Helper()
	return ownMariaDB(tb)
}

// OwnMariaDBOverTLS is OwnMariaDB with a certificate of the authority's, whose
// certificates it takes from clients; it refuses who comes without TLS.
func OwnMariaDBOverTLS(tb testing.TB, a *Authority) *MariaDBHandle {
	tb.Helper()
	cert, key := a.Issue("a MariaDB for tests", nil)
	return ownMariaDB(tb, "--ssl-ca="+a.File, "--ssl-cert="+cert, "--ssl-key="+key, "--require-secure-transport=ON")
}

func ownMariaDB(tb testing.TB, flags ...string) *MariaDBHandle {
	tb.Helper()
	s, err := startMariaDB(tb.Context(), tempDir(tb), flags...)
	if err != nil {
		unavailable(tb, err)
	}
	h := &MariaDBHandle{Handle{tb, s.process}, s}
	tb.Cleanup(h.Stop)
	return h
}

// MariaDBHandle is a server in the hands of a test.
type MariaDBHandle struct {
	Handle
	server *MariaDBServer
}

// Database returns the DSN of a new, empty database.
func (h *MariaDBHandle) Database() (dsn string) {
	h.tb.Helper()
	dsn, err := h.server.CreateDatabase(h.tb.Context())
	h.must(err)
	return dsn
}

// SetReadOnly has the server refuse writes, as one does that a failover has made
// a replica, or take them again.
func (h *MariaDBHandle) SetReadOnly(readOnly bool) {
	h.tb.Helper()
	h.must(h.server.asRoot(h.tb.Context(), fmt.Sprintf("SET GLOBAL read_only = %t", readOnly)))
}

// databaseName makes an empty database and returns its name.
func (h *MariaDBHandle) databaseName() string {
	h.tb.Helper()
	cfg, err := mysql.ParseDSN(h.Database())
	h.must(err)
	return cfg.DBName
}

// AsRoot runs statements as the server's administrator.
func (h *MariaDBHandle) AsRoot(statements ...string) {
	h.tb.Helper()
	h.must(h.server.asRoot(h.tb.Context(), statements...))
}

// Redis starts a server for this test alone; that takes a tenth of a second.
func Redis(tb testing.TB) *RedisHandle {
	tb.Helper()
	s, err := StartRedis(tb.Context(), tempDir(tb))
	if err != nil {
		unavailable(tb, err)
	}
	h := &RedisHandle{Handle{tb, s.process}, s.URL}
	tb.Cleanup(h.Stop)
	return h
}

// RedisHandle is a server in the hands of a test.
type RedisHandle struct {
	Handle
	// URL is redis://127.0.0.1:port, the same after every Start.
	URL string
}

// Handle stops and starts a server on its port, with what it holds; whatever
// fails fails the test. Its methods are for the test's own goroutine.
type Handle struct {
	tb testing.TB
	p  *process
}

// Addr is host:port, the same after every Start.
func (h *Handle) Addr() string { return h.p.Addr() }

// Start starts the server after a Stop or Kill and waits until it answers.
func (h *Handle) Start() { h.tb.Helper(); h.must(h.p.Start(h.tb.Context())) }

// Stop ends the server in order and waits until it has; it may be stopped
// already.
func (h *Handle) Stop() { h.tb.Helper(); h.must(h.p.Stop()) }

// Kill ends the server as a power cut would.
func (h *Handle) Kill() { h.tb.Helper(); h.must(h.p.Kill()) }

// Pause freezes the server: connections stay open and nothing is answered.
func (h *Handle) Pause() { h.tb.Helper(); h.must(h.p.Pause()) }

// Resume ends a Pause.
func (h *Handle) Resume() { h.tb.Helper(); h.must(h.p.Resume()) }

func (h *Handle) must(err error) {
	if err != nil {
		h.tb.Helper()
		h.tb.Fatal(err)
	}
}

// unavailable ends a test for want of a server: without the program it is
// skipped, but never where the whole suite is expected to run.
func unavailable(tb testing.TB, err error) {
	tb.Helper()
	missing := new(MissingError)
	switch {
	case !errors.As(err, &missing):
		tb.Fatal(err)
	case os.Getenv("CI") == "true":
		tb.Fatalf("CI=true, and %v", missing)
	default:
		fmt.Fprintf(os.Stderr, "SKIPPED %s: %v\n", tb.Name(), missing)
		tb.Skip(missing)
	}
}

// tempDir is not tb.TempDir: that one hides its parent from the user mysql, and
// its name grows with the test's until a socket does not fit.
func tempDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "gatehouse-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// shared is the MariaDB that MariaDB hands out databases of. It runs from its
// first use until its last user has released it.
var shared sharedMariaDB

type sharedMariaDB struct {
	mu      sync.Mutex
	holders int
	dir     string
	running *MariaDBServer
	failure error // of the one attempt to start it; a second would not do better
}

func (s *sharedMariaDB) acquire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holders++
}

func (s *sharedMariaDB) server(ctx context.Context) (*MariaDBServer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil || s.failure != nil {
		return s.running, s.failure
	}
	s.dir, s.failure = os.MkdirTemp("", "gatehouse-")
	if s.failure == nil {
		s.running, s.failure = StartMariaDB(ctx, s.dir)
	}
	return s.running, s.failure
}

func (s *sharedMariaDB) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holders--
	if s.holders > 0 {
		return nil
	}
	var err error
	if s.running != nil {
		err = s.running.Stop()
		s.running = nil
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
		s.dir = ""
	}
	return err
}
