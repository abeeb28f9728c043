// Package servertest starts real servers for tests: MariaDB, Redis and Caddy, each on a
// loopback port and in a folder of its own, gone when the test binary is. It is
// imported by tests and by the end-to-end stack only, and works on Unix.
//
// Tests call MariaDB, OwnMariaDB and Redis; commands, which have no testing.TB,
// call StartMariaDB and StartRedis.
package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Deadlines are generous: they end a hung run, they do not measure anything.
const (
	startDeadline = 60 * time.Second
	stopDeadline  = 30 * time.Second
	pollEvery     = 20 * time.Millisecond
)

// process is one server that can be stopped and started again on its port. Its
// methods are not for concurrent use.
type process struct {
	name    string
	dir     string
	port    int
	command func(port int) *exec.Cmd // with childAttributes
	// ready answers nil once the server takes requests. It must use a Unix
	// socket in dir: another process may listen on the port.
	ready func(ctx context.Context) error

	mu      sync.Mutex
	running *exec.Cmd
	exited  chan struct{} // closed after running has ended
}

// Addr is host:port, the same after every Start.
func (p *process) Addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// startSomewhere starts the server on a free port, on another one when that has
// been taken meanwhile.
func (p *process) startSomewhere(ctx context.Context) error {
	var err error
	for range 5 {
		if p.port, err = freePort(); err != nil {
			return err
		}
		if err = p.Start(ctx); err == nil || !p.portTaken() {
			return err
		}
	}
	return err
}

// Start starts the server and waits until it answers. Starting what runs is an
// error. ctx bounds the waiting, not the server's life.
func (p *process) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return fmt.Errorf("%s is running already", p.name)
	}
	log, err := os.Create(p.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := p.command(p.port)
	cmd.Stdout, cmd.Stderr = log, log

	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		// Linux ends the child when the thread that started it ends (see
		// childAttributes). So the thread stays, waiting for the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // "signal: terminated" is what Stop asked for
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.running, p.exited = cmd, exited

	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			p.running = nil
			return fmt.Errorf("%s ended instead of starting; it said:\n%s", p.name, p.lastWords())
		case <-ctx.Done():
			return errors.Join(
				fmt.Errorf("%s does not answer: %w (%w); it said:\n%s", p.name, err, ctx.Err(), p.lastWords()),
				p.end(syscall.SIGKILL))
		case <-time.After(pollEvery):
		}
	}
}

// Stop asks the server to end and waits until it has, whether it is running,
// paused or stopped already.
func (p *process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end(syscall.SIGTERM)
}

// Kill ends the server without a goodbye, as a power cut would.
func (p *process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end(syscall.SIGKILL)
}

// Pause freezes the server: connections stay open, new ones are accepted by
// the kernel, and nothing is ever answered.
func (p *process) Pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	// The signal is asynchronous: each thread answers until it receives it.
	ctx, cancel := context.WithTimeout(context.Background(), stopDeadline)
	defer cancel()
	for !frozen(p.running.Process.Pid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not pause: %w", p.name, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// Resume ends a Pause.
func (p *process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *process) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return fmt.Errorf("%s is not running", p.name)
	}
	return p.running.Process.Signal(s)
}

func (p *process) end(s syscall.Signal) error {
	if p.running == nil {
		return nil
	}
	cmd := p.running
	for _, s := range []syscall.Signal{s, syscall.SIGCONT} { // a paused process gets signals only after SIGCONT
		if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop %s: %w", p.name, err)
		}
	}
	deadline := time.NewTimer(stopDeadline)
	defer deadline.Stop()
	select {
	case <-p.exited:
		p.running = nil
		return nil
	case <-deadline.C:
	}
	err := cmd.Process.Kill()
	<-p.exited
	p.running = nil
	return errors.Join(fmt.Errorf("%s did not stop within %s and was killed", p.name, stopDeadline), err)
}

func (p *process) logFile() string { return filepath.Join(p.dir, p.name+".log") }

func (p *process) lastWords() []byte {
	const most = 4096
	log, err := os.ReadFile(p.logFile())
	if err != nil {
		return []byte(err.Error())
	}
	return log[max(0, len(log)-most):]
}

// portTaken reports whether the last start failed because of the port. All
// servers write the system's sentence.
func (p *process) portTaken() bool {
	return bytes.Contains(bytes.ToLower(p.lastWords()), []byte("address already in use"))
}

// freePort finds a loopback port below those that the kernel gives to outgoing
// connections: while a server is stopped, its port must stay free.
func freePort() (int, error) {
	const lowest, highest = 15_000, 31_999
	var err error
	for range 100 {
		port := lowest + rand.IntN(highest-lowest)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free loopback port: %w", err)
}

// find looks for a server's program, also where Debian keeps them: an ordinary
// user's PATH has no sbin.
func find(pkg, program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec"} {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", &MissingError{Program: program, Install: "on Debian: apt-get install --no-install-recommends " + pkg}
}

// MissingError says which program is not installed.
type MissingError struct {
	Program string
	Install string // how to get it
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed; %s", e.Program, e.Install)
}
