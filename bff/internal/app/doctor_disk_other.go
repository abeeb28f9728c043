//go:build !linux && !darwin

package app

func freeSpace(string) (int64, error) { return 0, errNoDiskSpace }
