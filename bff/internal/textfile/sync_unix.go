//go:build unix

package textfile

import (
	"errors"
	"os"
)

// SyncFolder makes what was made or renamed in dir survive a power cut.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
