//go:build !unix

package textfile

// SyncFolder does nothing: Windows flushes no folders.
func SyncFolder(string) error { return nil }
