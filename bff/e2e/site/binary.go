package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// BuildBinary gives the product as it is shipped, made once for all tests of a
// package. It is without the race detector even when they are not: under it one
// password at the cost of production takes seconds. What runs inside the process
// is raced by all the tests that have no process of their own.
func BuildBinary(t *testing.T) string {
	t.Helper()
	file, err := shippedBinary()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// go run keeps what it linked in its cache, and go build does not: linking takes
// six seconds of a processor, and every package of tests would pay them again.
var shippedBinary = sync.OnceValues(func() (string, error) {
	if binaryFolder == "" {
		return "", errors.New("site: this package has no TestMain that calls site.Main")
	}
	file := filepath.Join(binaryFolder, "gatehouse")
	if out, err := exec.Command("go", "run", "-exec", "cp", "github.com/gatehouse-bff/gatehouse/bff", file).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go run: %w\n%s", err, out)
	}
	return file, nil
})

// binaryFolder lives as long as all the tests.
var binaryFolder string

// Binary is the product as a process of its own, in embedded mode, by the
// machine's clock.
type Binary struct {
	*Harness
	Cmd    *exec.Cmd
	Exited chan struct{}
}

// StartBinary starts the product; environment comes as NAME, value pairs. It
// ends by SIGTERM at the latest when the test does, and has to end well.
func StartBinary(t *testing.T, file string, env ...string) *Binary {
	t.Helper()
	b := NewBinary(t, file, env...)
	b.Run()
	t.Cleanup(func() {
		_ = b.Cmd.Process.Signal(syscall.SIGTERM)
		b.Eventually("the process to end", b.HasExited)
		if code := b.Cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d; it logged:\n%s", code, b.Logs)
		}
	})
	return b
}

func NewBinary(t *testing.T, file string, env ...string) *Binary {
	t.Helper()
	addr := FreeAddr(t)
	b := &Binary{
		Harness: &Harness{T: t, Base: "http://" + addr, Logs: &LockedBuffer{}},
		Cmd:     exec.Command(file, "serve"), Exited: make(chan struct{}),
	}
	b.Cmd.Env = []string{
		"LISTEN_ADDR=" + addr, "OPS_ADDR=off", "DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "SPA_DIR=" + TinyApp(t), "LOG_FORMAT=json",
		"PATH=" + os.Getenv("PATH"),
	}
	for i := 0; i < len(env); i += 2 {
		b.Cmd.Env = append(b.Cmd.Env, env[i]+"="+env[i+1])
	}
	b.Cmd.Stderr = b.Logs
	return b
}

func (b *Binary) Run() {
	b.T.Helper()
	b.Launch()
	b.AwaitReady()
}

func (b *Binary) Launch() {
	b.T.Helper()
	if err := b.Cmd.Start(); err != nil {
		b.T.Fatal(err)
	}
	go func() { _ = b.Cmd.Wait(); close(b.Exited) }()
	b.T.Cleanup(func() { _ = b.Cmd.Process.Kill(); <-b.Exited })
}

func (b *Binary) AwaitReady() {
	b.T.Helper()
	b.Eventually("the product to be ready", func() bool {
		if b.HasExited() {
			b.T.Fatalf("it ended:\n%s", b.Logs)
		}
		return strings.Contains(b.Logs.String(), "Gatehouse is ready")
	})
}

func (b *Binary) HasExited() bool {
	select {
	case <-b.Exited:
		return true
	default:
		return false
	}
}

func (b *Binary) SendHangup() {
	b.T.Helper()
	if err := b.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		b.T.Fatal(err)
	}
}

// Logged gives the log lines whose message begins so.
func (b *Binary) Logged(message string) (lines []Object) {
	b.T.Helper()
	for text := range strings.Lines(b.Logs.String()) {
		var line Object
		if !strings.HasSuffix(text, "\n") || json.Unmarshal([]byte(text), &line) != nil {
			continue // half a line, or no line of ours
		}
		if m, _ := line["msg"].(string); strings.HasPrefix(m, message) {
			lines = append(lines, line)
		}
	}
	return lines
}

// Reload sends SIGHUP and gives the line that this is answered with.
func (b *Binary) Reload(message string) Object {
	b.T.Helper()
	before := len(b.Logged(message))
	b.SendHangup()
	b.Eventually("the log line "+message, func() bool { return len(b.Logged(message)) > before })
	return b.Logged(message)[before]
}

// Kill ends the process by SIGKILL.
func (b *Binary) Kill() {
	b.T.Helper()
	if err := b.Cmd.Process.Signal(syscall.SIGKILL); err != nil {
		b.T.Fatal(err)
	}
	<-b.Exited
}

// Restart ends a process as an orchestrator does, and starts it anew.
func (b *Binary) Restart(env ...string) *Binary {
	b.T.Helper()
	b.Terminate()
	b.Eventually("the process to end", b.HasExited)
	if code := b.Cmd.ProcessState.ExitCode(); code != 0 {
		b.T.Errorf("exit code %d; it logged:\n%s", code, b.Logs)
	}
	return b.StartAgain(env...)
}

// StartAgain starts what has ended, with the environment it had, and more.
func (b *Binary) StartAgain(env ...string) *Binary {
	b.T.Helper()
	next := &Binary{
		Harness: &Harness{T: b.T, Base: b.Base, Logs: &LockedBuffer{}},
		Cmd:     exec.Command(b.Cmd.Path, b.Cmd.Args[1:]...), Exited: make(chan struct{}),
	}
	next.Cmd.Env, next.Cmd.Stderr = b.Cmd.Env, next.Logs
	for i := 0; i < len(env); i += 2 {
		next.Cmd.Env = append(next.Cmd.Env, env[i]+"="+env[i+1])
	}
	next.Run()
	return next
}

func (b *Binary) Terminate() {
	b.T.Helper()
	if err := b.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.T.Fatal(err)
	}
}

// DataDir is the product's.
func (b *Binary) DataDir() string {
	i := slices.IndexFunc(b.Cmd.Env, func(v string) bool { return strings.HasPrefix(v, "DATA_DIR=") })
	return strings.TrimPrefix(b.Cmd.Env[i], "DATA_DIR=")
}

// ReloadWantChanged reloads and checks which settings the log names as changed.
func (b *Binary) ReloadWantChanged(want ...any) {
	b.T.Helper()
	if diff := cmp.Diff(append([]any{}, want...), b.Reload("reloaded")["changed"]); diff != "" {
		b.T.Errorf("changed (-want +got):\n%s", diff)
	}
}

// WantNoSecrets checks that the log holds no part of these values.
func (b *Binary) WantNoSecrets(secrets ...string) {
	b.T.Helper()
	for _, secret := range secrets {
		for part := range strings.SplitSeq(secret, "\n") {
			if len(part) > 8 && !strings.HasPrefix(part, "-----") && strings.Contains(b.Logs.String(), part) {
				b.T.Errorf("the log has the secret %s", part)
			}
		}
	}
}
