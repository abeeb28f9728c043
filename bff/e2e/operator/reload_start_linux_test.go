package operator

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// Who writes the files sends SIGHUP when they are there, which may be while the
// server reads them for the first time: the signal ended it.
func TestReloadWhileTheServerStarts(t *testing.T) {
	t.Parallel()
	file, secret := filepath.Join(t.TempDir(), "secret"), strings.Repeat("an access secret ", 3)+"!"
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	b := site.NewBinary(t, site.BuildBinary(t), "JWT_ACCESS_SECRET_FILE", file)
	b.Launch()
	pipe, err := os.OpenFile(file, os.O_WRONLY, 0) // waits for the server
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	b.SendHangup()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.WriteString(secret); err != nil {
		t.Errorf("the server reads no more: %v", err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	b.AwaitReady()
	b.Eventually("a reload", func() bool { return len(b.Logged("reloaded")) == 1 })
}
