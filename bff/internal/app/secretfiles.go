package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteFiles makes a file for each secret in dir, named like its variable, for
// NAME_FILE. A file that exists stays as it is, so that this can run before
// every start; log gets a line for each.
func (s Secrets) WriteFiles(dir string, log io.Writer) error {
	for _, f := range []struct{ name, content string }{
		{"JWT_ACCESS_SECRET", s.Access[0].Reveal()},
		{"JWT_REFRESH_SECRET", s.Refresh[0].Reveal()},
		{"IDENTITY_KEY", s.Identity.Reveal()},
	} {
		file := filepath.Join(dir, f.name)
		switch _, err := os.Stat(file); {
		case err == nil:
			fmt.Fprintln(log, "kept", file)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		default:
			if err := writeWhole(file, strings.TrimRight(f.content, "\n")+"\n"); err != nil {
				return err
			}
			fmt.Fprintln(log, "made", file)
		}
	}
	return nil
}

// writeWhole writes a file, mode 0600, whole or not at all: half a key would
// be worse than none.
func writeWhole(file, content string) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = tmp.WriteString(content)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
