package app

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
)

var errNoDiskSpace = errors.New("the free space of a disk cannot be asked on this system")

// fileSizes are those of the database, with what it has not yet merged, and of the
// sessions.
func fileSizes(dir string) (database, sessions int64, err error) {
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		database += info.Size()
	}
	inside, err := os.ReadDir(filepath.Join(dir, sessionsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, err
	}
	for _, entry := range inside {
		// A file may have been replaced meanwhile.
		if info, err := entry.Info(); err == nil {
			sessions += info.Size()
		}
	}
	return database, sessions, nil
}

// judgeServer asks the server that control.json names. The lock of the sessions
// is not tried: whoever starts at that moment would find it taken.
func judgeServer(ctx context.Context, dir string) (doctor.Result, error) {
	at, err := readControl(dir)
	if errors.Is(err, errNoServer) {
		return doctor.Result{State: doctor.OK, Found: "no server runs on it"}, nil
	}
	if err != nil {
		return doctor.Result{Fix: "Run it as the user of the server."}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.Address+alivePath, nil)
	if err != nil {
		return doctor.Result{}, err
	}
	req.Header.Set("Authorization", "Bearer "+at.Token)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return doctor.Result{State: doctor.Problem, Found: "a server holds it and does not answer", Fix: "Look at its log; end it with SIGTERM, and start it again."}, nil
	case err != nil:
		return doctor.Result{State: doctor.OK, Found: "no server runs on it; the last one was killed"}, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusMisdirectedRequest {
		return doctor.Result{State: doctor.OK, Found: "no server runs on it; the last one was killed"}, nil // its port is another's by now
	}
	return doctor.Result{State: doctor.OK, Found: "a server runs on it, and holds the sessions"}, nil
}
