package textfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// syncs replaces the flush of folders, and gives what was in them at that moment.
func syncs(t *testing.T, fail error) *[]string {
	t.Helper()
	var seen []string
	syncFolder = func(dir string) error {
		names, err := os.ReadDir(dir)
		for _, n := range names {
			seen = append(seen, n.Name())
		}
		return errors.Join(fail, err)
	}
	t.Cleanup(func() { syncFolder = SyncFolder })
	return &seen
}

// After a power cut a new file could be there without its name, and all
// was signed out by new secrets.
func TestWrittenFilesAreFlushedWithTheirFolder(t *testing.T) {
	seen := syncs(t, nil)
	file := filepath.Join(t.TempDir(), "secrets.env")
	for _, content := range []string{"one", "two"} {
		if err := WriteWhole(file, content); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != content {
			t.Errorf("%q, %v", text, err)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if !slices.Equal(*seen, []string{"secrets.env", "secrets.env"}) {
		t.Errorf("flushed with %v: after the rename, nothing else is there", *seen)
	}
	if err := SyncFolder(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestMadeFoldersAreFlushedWithTheirParent(t *testing.T) {
	seen := syncs(t, nil)
	dir := filepath.Join(t.TempDir(), "data")
	for range 2 {
		if err := MakeFolder(dir); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(*seen, []string{"data"}) {
		t.Errorf("flushed with %v", *seen)
	}
}

func TestFolderThatCannotBeFlushedIsAnError(t *testing.T) {
	full := errors.New("input/output error")
	syncs(t, full)
	if err := WriteWhole(filepath.Join(t.TempDir(), "a"), "x"); !errors.Is(err, full) {
		t.Errorf("a file: %v", err)
	}
	if err := MakeFolder(filepath.Join(t.TempDir(), "a")); !errors.Is(err, full) {
		t.Errorf("a folder: %v", err)
	}
}
