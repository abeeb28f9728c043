package datadir

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

func TestSpaceOnTheDisk(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		free, database, sessions int64
		want                     doctor.State
	}{
		{5000 * mib, 10 * mib, mib, doctor.OK},
		{1023 * mib, 10 * mib, mib, doctor.Warning},
		{5000 * mib, 3000 * mib, mib, doctor.Warning},
		{99 * mib, 10 * mib, mib, doctor.Problem},
		{500 * mib, 10 * mib, 600 * mib, doctor.Problem},
	} {
		if r := judgeSizes(c.free, c.database, c.sessions); r.State != c.want || (r.Fix == "") != (c.want == doctor.OK) {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	dir := t.TempDir()
	for name, size := range map[string]int{DatabaseFile: 100, DatabaseFile + "-wal": 20, filepath.Join(SessionsFolder, "journal"): 3} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if database, sessions, err := fileSizes(dir); err != nil || database != 120 || sessions != 3 {
		t.Errorf("database %d, sessions %d, %v", database, sessions, err)
	}
	if free, err := freeSpace(dir); err != nil || free <= 0 {
		t.Errorf("%d bytes free, %v", free, err)
	}
}

func TestWhetherAServerRunsOnAFolder(t *testing.T) {
	dir := t.TempDir()
	says := func(want string) {
		t.Helper()
		r, err := judgeServer(t.Context(), dir)
		if err != nil || r.State != doctor.OK || !strings.HasSuffix(r.Found, want) {
			t.Errorf("%+v, %v; want %q", r, err, want)
		}
	}
	says("no server runs on it")
	s, err := operator.Listen(t.Context(), dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r, err := judgeServer(late, dir); err != nil || r.State != doctor.Problem || !strings.Contains(r.Found, "does not answer") {
		t.Errorf("it does not answer: %+v, %v", r, err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	says("a server runs on it, and holds the sessions")
	if err := errors.Join(s.Shutdown(), <-served); err != nil {
		t.Error(err)
	}
	says("no server runs on it")
	l, err := net.Listen("unix", filepath.Join(dir, operator.SocketFolder, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	says("was killed")
}
