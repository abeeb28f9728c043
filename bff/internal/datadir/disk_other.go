//go:build !linux && !darwin

package datadir

func freeSpace(string) (int64, error) { return 0, errNoDiskSpace }
