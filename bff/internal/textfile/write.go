package textfile

import (
	"errors"
	"os"
	"path/filepath"
)

// syncFolder is replaced in tests.
var syncFolder = SyncFolder

// WriteWhole writes a file, mode 0600, whole or not at all: half a key would be
// worse than none. Once it has returned the file survives a power cut; without
// its folder on disk, a new name could be gone, and secrets with it.
func WriteWhole(file, content string) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = tmp.WriteString(content)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// MakeFolder makes dir with mode 0700 when it is missing, and has its name
// survive a power cut.
func MakeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}
