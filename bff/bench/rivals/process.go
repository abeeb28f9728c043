package rivals

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
)

// Process is a program that is measured, or helps to.
type Process struct {
	name   string
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

const Patience = 30 * time.Second

// Start runs a program on the cores named; its output goes to a file in dir.
// It has to be called on the main goroutine, see main.
func Start(name, cores, dir string, env []string, program string, args ...string) (*Process, error) {
	p := &Process{name: name, cmd: onCores(cores, program, args...), log: filepath.Join(dir, name+".log"), exited: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Dir, p.cmd.Env = dir, env
	p.cmd.Stderr = log
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = log
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	return p, nil
}

// Stop ends a process in order and waits for it.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return nil
	case <-time.After(Patience):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s did not end", p.name)
	}
}

// await waits until path is answered with 200.
func (p *Process) await(ctx context.Context, addr, path string) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended instead of starting; it said:\n%s", p.name, p.LastOutput())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s does not answer: %w; it said:\n%s", p.name, err, p.LastOutput()), p.Stop())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *Process) LastOutput() []byte {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-2048):]
}

// StartPart runs one of the parts of this program and gives what it listens on.
func StartPart(cores, dir string, args ...string) (p *Process, a Addrs, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, a, err
	}
	p = &Process{name: args[0], cmd: onCores(cores, self, args...), exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, []string{"GOMAXPROCS=1"}, os.Stderr
	// It ends with its input, which is closed when we end, however that is.
	if _, err := p.cmd.StdinPipe(); err != nil {
		return nil, a, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, a, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, a, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		return nil, a, errors.Join(fmt.Errorf("%s: %w", args[0], err), p.Stop())
	}
	return p, a, nil
}

// RunLoad has the load generator do l, as a process of its own.
func RunLoad(ctx context.Context, cores string, l load.Order) (s load.Sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	cmd := onCores(cores, self, "load")
	cmd.Env, cmd.Stderr = []string{"GOMAXPROCS=1"}, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return s, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	if err := cmd.Start(); err != nil {
		return s, err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	err = errors.Join(json.NewEncoder(in).Encode(l), in.Close())
	text, readErr := io.ReadAll(out)
	if err = errors.Join(ctx.Err(), err, readErr, cmd.Wait()); err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// FreeAddr is a loopback address without a listener.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
