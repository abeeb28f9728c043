package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// WriteFiles writes a file for each secret in dir, named like its variable, for
// NAME_FILE. Existing files are kept, so that this can run before every start; log
// gets a line for each.
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
			if err := textfile.WriteWhole(file, strings.TrimRight(f.content, "\n")+"\n"); err != nil {
				return err
			}
			fmt.Fprintln(log, "made", file)
		}
	}
	return nil
}
