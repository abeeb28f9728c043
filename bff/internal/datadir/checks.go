package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// Checks lists the doctor's checks of dir.
func Checks(dir string) []doctor.Check {
	return []doctor.Check{
		{Name: "data.folder", Ask: func(context.Context) (doctor.Result, error) { return judgeFolder(dir), nil }},
		{Name: "data.disk", Ask: func(context.Context) (doctor.Result, error) { return judgeDisk(dir) }},
		{Name: "data.server", Ask: func(ctx context.Context) (doctor.Result, error) { return judgeServer(ctx, dir) }},
	}
}

func judgeFolder(dir string) doctor.Result {
	full, err := filepath.Abs(dir)
	if err != nil {
		full = dir
	}
	if err := Check(dir); err != nil {
		return doctor.Result{State: doctor.Problem, Found: err.Error(), Fix: "Take the rights away from others, as the text says."}
	}
	if HasAccounts(dir) != nil {
		return doctor.Result{State: doctor.Warning, Found: "there are no accounts in " + full, Fix: "Set DATA_DIR to the server's folder, if there is one; a server makes it when it starts."}
	}
	return doctor.Result{State: doctor.OK, Found: full + " can be written to by this user alone"}
}

// The free space below which the files of embedded mode soon cannot grow, and are
// in danger.
const (
	diskWarning = 1 << 30
	diskProblem = 100 << 20
)

func judgeDisk(dir string) (doctor.Result, error) {
	free, err := freeSpace(dir)
	if errors.Is(err, errNoDiskSpace) {
		return doctor.Result{Fix: "Look at it with the system's own tools."}, err
	}
	if err != nil {
		return doctor.Result{Fix: "Start the server once, or set DATA_DIR to its folder."}, err
	}
	database, sessions, err := fileSizes(dir)
	if err != nil {
		return doctor.Result{}, err
	}
	return judgeSizes(free, database, sessions), nil
}

// judgeSizes judges the free space: a compaction writes a second journal beside the
// old one, and an operator's VACUUM a second database.
func judgeSizes(free, database, sessions int64) doctor.Result {
	r := doctor.Result{State: doctor.OK, Found: fmt.Sprintf("%s free, database %s, sessions %s", doctor.Bytes(free), doctor.Bytes(database), doctor.Bytes(sessions))}
	switch {
	case free < max(diskProblem, sessions):
		r.State = doctor.Problem
	case free < max(diskWarning, 2*(database+sessions)):
		r.State = doctor.Warning
	default:
		return r
	}
	r.Fix = "Free space on this disk: without it no one signs up, in or out. AUDIT_RETENTION bounds what grows."
	return r
}

var errNoDiskSpace = errors.New("the free space of a disk cannot be asked on this system")

// fileSizes returns the sizes of the database, with its write-ahead log, and of the
// sessions.
func fileSizes(dir string) (database, sessions int64, err error) {
	for _, name := range []string{DatabaseFile, DatabaseFile + "-wal"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		database += info.Size()
	}
	inside, err := os.ReadDir(filepath.Join(dir, SessionsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, err
	}
	for _, entry := range inside {
		// A compaction may have replaced the file.
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
