package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// buildBinary gives the product as it is shipped, made once for all tests. It
// is without the race detector even when they are not: under it one password
// at the cost of production takes seconds. What runs inside the process is
// raced by all the tests that have no process of their own.
func buildBinary(t *testing.T) string {
	t.Helper()
	file, err := shippedBinary()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var shippedBinary = sync.OnceValues(func() (string, error) {
	file := filepath.Join(binaryFolder, "gatehouse")
	if out, err := exec.Command("go", "build", "-o", file, "..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

// binaryFolder lives as long as all the tests.
var binaryFolder string

// binary is the product as a process of its own, in embedded mode, by the
// machine's clock.
type binary struct {
	*site
	cmd    *exec.Cmd
	exited chan struct{}
}

// startBinary starts the product; environment comes as NAME, value pairs. It
// ends by SIGTERM at the latest when the test does, and has to end well.
func startBinary(t *testing.T, file string, env ...string) *binary {
	t.Helper()
	b := newBinary(t, file, env...)
	b.run()
	t.Cleanup(func() {
		_ = b.cmd.Process.Signal(syscall.SIGTERM)
		b.eventually("the process to end", b.ended)
		if code := b.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d; it logged:\n%s", code, b.logs)
		}
	})
	return b
}

func newBinary(t *testing.T, file string, env ...string) *binary {
	t.Helper()
	addr := freeAddr(t)
	b := &binary{
		site: &site{t: t, base: "http://" + addr, logs: &lockedBuffer{}},
		cmd:  exec.Command(file, "serve"), exited: make(chan struct{}),
	}
	b.cmd.Env = []string{
		"LISTEN_ADDR=" + addr, "OPS_ADDR=off", "DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "SPA_DIR=" + tinyApp(t), "LOG_FORMAT=json",
		"PATH=" + os.Getenv("PATH"),
	}
	for i := 0; i < len(env); i += 2 {
		b.cmd.Env = append(b.cmd.Env, env[i]+"="+env[i+1])
	}
	b.cmd.Stderr = b.logs
	return b
}

func (b *binary) run() {
	b.t.Helper()
	b.launch()
	b.await()
}

func (b *binary) launch() {
	b.t.Helper()
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() { _ = b.cmd.Wait(); close(b.exited) }()
	b.t.Cleanup(func() { _ = b.cmd.Process.Kill(); <-b.exited })
}

func (b *binary) await() {
	b.t.Helper()
	b.eventually("the product to be ready", func() bool {
		if b.ended() {
			b.t.Fatalf("it ended:\n%s", b.logs)
		}
		return strings.Contains(b.logs.String(), "Gatehouse is ready")
	})
}

func (b *binary) ended() bool {
	select {
	case <-b.exited:
		return true
	default:
		return false
	}
}

func (b *binary) hangup() {
	b.t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		b.t.Fatal(err)
	}
}

// logged gives the log lines whose message begins so.
func (b *binary) logged(message string) (lines []object) {
	b.t.Helper()
	for text := range strings.Lines(b.logs.String()) {
		var line object
		if !strings.HasSuffix(text, "\n") || json.Unmarshal([]byte(text), &line) != nil {
			continue // half a line, or no line of ours
		}
		if m, _ := line["msg"].(string); strings.HasPrefix(m, message) {
			lines = append(lines, line)
		}
	}
	return lines
}

// reload sends SIGHUP and gives the line that this is answered with.
func (b *binary) reload(message string) object {
	b.t.Helper()
	before := len(b.logged(message))
	b.hangup()
	b.eventually("the log line "+message, func() bool { return len(b.logged(message)) > before })
	return b.logged(message)[before]
}
