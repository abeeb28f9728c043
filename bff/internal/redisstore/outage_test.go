package redisstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// notAsked fails unless every question about x is answered, soon, with "could
// not be asked" and nothing that signs anybody out.
func notAsked(t *testing.T, s *redisstore.Store, x session.Record) {
	t.Helper()
	var all sync.WaitGroup
	defer all.Wait()
	for what, ask := range map[string]func(context.Context) error{
		"create": func(ctx context.Context) error { return created(ctx, s, x) },
		"get":    func(ctx context.Context) error { _, err := s.Get(ctx, x.UserID, x.ID); return err },
		"swap":   func(ctx context.Context) error { return s.Swap(ctx, x, x) },
		"list":   func(ctx context.Context) error { _, err := sessiontest.ListSessions(ctx, s, x.UserID); return err },
		"end":    func(ctx context.Context) error { return s.End(ctx, revocation(x, time.Now())) },
		"ping":   s.Ping,
	} {
		all.Go(func() {
			start := time.Now()
			err := ask(t.Context())
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s took %v to say that there is no answer", what, took)
			}
			if !errors.Is(err, session.ErrSessionStore) || errors.Is(err, session.ErrNoSession) || errors.Is(err, session.ErrConflict) {
				t.Errorf("%s: %v, want ErrSessionStore and nothing else", what, err)
			}
			// A caller that looks for its own deadline must not find ours.
			if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v blames the caller's context", what, err)
			}
		})
	}
}

func asked(t *testing.T, s *redisstore.Store, want session.Record) {
	t.Helper()
	start := time.Now()
	defer func() { t.Logf("back after %v", time.Since(start)) }()
	eventually(t, "the session is there again", func() error {
		got, err := s.Get(t.Context(), want.UserID, want.ID)
		if errors.Is(err, session.ErrNoSession) {
			t.Fatal("the session is gone after an outage")
		}
		if err == nil && got.Version != want.Version {
			t.Fatalf("version %d after an outage, want %d", got.Version, want.Version)
		}
		return err
	})
}

func TestOutages(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	s := open(t, server.URL, time.Now)
	x := typical("u", "s", time.Now())
	create(t, s, x)
	other := typical("u", "other", time.Now())

	for range 2 {
		server.Stop()
		notAsked(t, s, other)
		server.Start()
		asked(t, s, x)
	}
	server.Pause()
	notAsked(t, s, other)
	server.Resume()
	asked(t, s, x)
	server.Kill()
	notAsked(t, s, other)
	server.Start()
	asked(t, s, x)
	must(t, s.Swap(t.Context(), x, x))
}

// A server can start while Redis is away.
func TestOpenWithoutRedis(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	server.Stop()
	s := open(t, server.URL, time.Now)
	notAsked(t, s, typical("u", "s", time.Now()))
	f := sessiontest.Subscribe(t, s, time.Hour)
	server.Start()
	x := typical("u", "s", time.Now())
	eventually(t, "a session can be stored", func() error { return created(t.Context(), s, x) })
	r := revocation(x, time.Now())
	must(t, s.End(t.Context(), r))
	f.Expect(t, r)
}

// What a server that is up may answer instead of an answer. Each of these once
// was taken for "no such session" by somebody.
func TestRefusals(t *testing.T) {
	for _, reply := range []string{
		"-LOADING Redis is loading the dataset in memory",
		"-READONLY You can't write against a read only replica.",
		"-CLUSTERDOWN The cluster is down",
		"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"-NOAUTH Authentication required.",
		"-WRONGPASS invalid username-password pair or user is disabled.",
		"-NOPERM this user has no permissions to run the 'get' command",
		"-OOM command not allowed when used memory > 'maxmemory'.",
		"-MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.",
		"-TRYAGAIN Multiple keys request during rehashing of slot",
		"-ERR max number of clients reached",
		"-BUSY Redis is busy running a script.",
		"-ERR something new",
		":7",
		"HTTP/1.1 400 Bad Request",
		"",
	} {
		t.Run(reply, func(t *testing.T) {
			s := open(t, "redis://:hunter2@"+answering(t, reply), time.Now)
			notAsked(t, s, typical("u", "s", time.Now()))
		})
	}
}

// answering is a server that says the same to everything, or closes the
// connection when that is nothing.
func answering(t *testing.T, reply string) (addr string) {
	t.Helper()
	return serve(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadString('\n')
			if err != nil || reply == "" {
				return
			}
			if strings.HasPrefix(line, "*") { // one for each command
				if _, err := fmt.Fprintf(conn, "%s\r\n", reply); err != nil {
					return
				}
			}
		}
	})
}

// serve runs handle for each connection and closes them all with the test.
func serve(t *testing.T, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// A replica answers reads from what has reached it so far. A session that is
// not there yet is not a session that is gone.
func TestReplica(t *testing.T) {
	t.Parallel()
	master, replica := servertest.Redis(t), servertest.Redis(t)
	x := typical("u", "s", time.Now())
	create(t, open(t, master.URL, time.Now), x)
	look := replicate(t, master, replica)
	s := open(t, replica.URL, time.Now)
	eventually(t, "the session reaches the replica", func() error {
		_, err := s.Get(t.Context(), "u", "s")
		return err
	})
	notAsked(t, s, typical("u", "not yet here", time.Now()))
	notAsked(t, s, typical("nobody", "s", time.Now()))

	must(t, look.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err())
	asked(t, s, x)
	if _, err := s.Get(t.Context(), "u", "not yet here"); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("of a master: %v, want ErrNoSession", err)
	}
}

// line is a connection to a server that can be cut while the server goes on.
type line struct {
	url string
	mu  sync.Mutex
	cut bool
	on  map[net.Conn]bool
}

func lineTo(t *testing.T, addr string) *line {
	l := &line{on: map[net.Conn]bool{}}
	l.url = "redis://" + serve(t, func(conn net.Conn) {
		l.mu.Lock()
		dead := l.cut
		l.on[conn] = true
		l.mu.Unlock()
		server, err := net.Dial("tcp", addr)
		if dead || err != nil {
			return
		}
		defer server.Close()
		var up sync.WaitGroup
		up.Go(func() {
			_, _ = io.Copy(server, conn)
			_ = server.Close()
		})
		_, _ = io.Copy(conn, server)
		_ = conn.Close()
		up.Wait()
	})
	return l
}

func (l *line) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut = cut; cut {
		for conn := range l.on {
			_ = conn.Close()
		}
		clear(l.on)
	}
}
