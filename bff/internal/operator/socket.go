package operator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// SocketFolder, in DATA_DIR, holds the socket on which a running server takes
// commands. The folder keeps other accounts out: between bind and chmod a socket
// has the mode that the umask leaves, and some systems ignore modes of sockets.
const SocketFolder = "control"

const socketName = "socket"

func socketFile(dir string) string { return filepath.Join(dir, SocketFolder, socketName) }

// listenSocket listens in dir, a DATA_DIR, and replaces the socket that a killed
// server left. The caller holds the lock of the sessions, so no other server
// listens there.
func listenSocket(ctx context.Context, dir string) (net.Listener, error) {
	folder, file := filepath.Join(dir, SocketFolder), socketFile(dir)
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := os.Chmod(folder, 0o700); err != nil { // of an earlier start, and opened to others since
		return nil, err
	}
	if err := removeIfThere(file); err != nil {
		return nil, err
	}
	var l net.Listener
	err := withShortPath(file, func(path string) (err error) {
		var lc net.ListenConfig
		l, err = lc.Listen(ctx, "unix", path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w; where the file system of DATA_DIR takes no Unix sockets (some network drives and shared folders), choose a folder on a local disk, or a volume", err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // by the path that it was bound with, which may have been a short one
	}
	_ = os.Chmod(file, 0o600) // the folder keeps others out already; shared folders of some systems have no modes for sockets
	return l, nil
}

func dialSocket(ctx context.Context, dir string) (conn net.Conn, err error) {
	err = withShortPath(socketFile(dir), func(path string) (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, "unix", path)
		return err
	})
	return conn, err
}

// maxSocketPath is the longest path that every system takes: sun_path has 104
// bytes on macOS and the BSDs and 108 on Linux and Windows, with a NUL at the end.
const maxSocketPath = 103

// withShortPath calls use with a path of file that a socket's address can hold: a
// longer one goes over a symbolic link, in a folder of the temporary ones that
// only this account may enter.
func withShortPath(file string, use func(path string) error) error {
	if len(file) <= maxSocketPath {
		return use(file)
	}
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "gatehouse-")
	if err != nil {
		return tooLong(folder, err)
	}
	defer os.RemoveAll(tmp) // the link, and not the folder behind it
	link := filepath.Join(tmp, "link")
	if err := os.Symlink(folder, link); err != nil {
		return tooLong(folder, err)
	}
	path := filepath.Join(link, filepath.Base(file))
	if len(path) > maxSocketPath {
		return tooLong(folder, fmt.Errorf("the temporary folder %s is too long as well", os.TempDir()))
	}
	return use(path)
}

func tooLong(folder string, why error) error {
	return fmt.Errorf("the path %s is too long for a Unix socket, and a short link to it could not be made: choose a DATA_DIR with a shorter path (%w)", folder, why)
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
