package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
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

// judgeServer sends a request to the server on DATA_DIR's socket. It does not try
// the lock of the sessions: a server that starts at that moment would find it
// taken.
func judgeServer(ctx context.Context, dir string) (doctor.Result, error) {
	err := operator.Alive(ctx, dir)
	switch {
	case err == nil:
		return doctor.Result{State: doctor.OK, Found: "a server runs on it, and holds the sessions"}, nil
	case errors.Is(err, operator.ErrKilled):
		return doctor.Result{State: doctor.OK, Found: "no server runs on it; the last one was killed"}, nil
	case errors.Is(err, operator.ErrNoServer):
		return doctor.Result{State: doctor.OK, Found: "no server runs on it"}, nil
	case ctx.Err() != nil:
		return doctor.Result{State: doctor.Problem, Found: "a server holds it and does not answer", Fix: "Look at its log; end it with SIGTERM, and start it again."}, nil
	}
	return doctor.Result{Fix: "Run it as the user of the server."}, err
}
