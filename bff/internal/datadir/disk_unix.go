//go:build linux || darwin

package datadir

import "syscall"

// freeSpace is how many bytes the user of this process may still write below dir.
func freeSpace(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // types differ between systems; no disk has 2^63 bytes
}
