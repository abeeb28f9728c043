package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sentinelSet is what the Sentinel calls the servers that it watches.
const sentinelSet = "sessions"

// RedisSentinel is a master, its replica, and a Sentinel that promotes the
// replica when the master has been silent for half a second.
type RedisSentinel struct {
	Master, Replica *RedisServer
	// URL is redis://sentinel?master_name=….
	URL string

	sentinel *process
	socket   string // of the Sentinel
}

// StartRedisSentinel starts the three with their files below dir, which must
// exist. The replica has what the master has, and the Sentinel knows of it. ctx
// bounds the start only.
func StartRedisSentinel(ctx context.Context, dir string) (*RedisSentinel, error) {
	return startRedisSentinel(ctx, dir, plain())
}

func startRedisSentinel(ctx context.Context, dir string, w wire) (_ *RedisSentinel, err error) {
	s := &RedisSentinel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	homes := map[string]string{}
	for _, name := range []string{"master", "replica", "sentinel"} {
		homes[name] = filepath.Join(dir, name)
		if err := os.Mkdir(homes[name], 0o700); err != nil {
			return nil, err
		}
	}
	// By default a master waits five seconds for further replicas.
	const atOnce = "--repl-diskless-sync-delay"
	if s.Master, err = startRedis(ctx, homes["master"], w, atOnce, "0"); err != nil {
		return nil, err
	}
	if s.Replica, err = startRedis(ctx, homes["replica"], w, atOnce, "0", "--replicaof", "127.0.0.1 "+strconv.Itoa(s.Master.port)); err != nil {
		return nil, err
	}
	// A Sentinel asks for replicas when it begins, and then every ten seconds.
	if err := s.CatchUp(ctx); err != nil {
		return nil, err
	}
	if err := s.startSentinel(ctx, homes["sentinel"], w); err != nil {
		return nil, err
	}
	s.URL = w.scheme + "://" + s.sentinel.Addr() + "?master_name=" + sentinelSet
	return s, until(ctx, "the sentinel knows the replica", func() (string, bool) {
		answer, err := redisAsk(ctx, s.socket, "SENTINEL REPLICAS "+sentinelSet)
		return fmt.Sprint(answer, err), answer == "*1"
	})
}

func (s *RedisSentinel) startSentinel(ctx context.Context, home string, w wire) (err error) {
	program, err := find("redis-server", "redis-server")
	if err != nil {
		return err
	}
	if s.socket, err = socketIn(home); err != nil {
		return err
	}
	// It writes down there what it has found out.
	config := filepath.Join(home, "sentinel.conf")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		return err
	}
	p := &process{
		name: "redis-sentinel",
		dir:  home,
		command: func(port int) *exec.Cmd {
			cmd := exec.Command(program, append([]string{config, "--sentinel", "--bind", "127.0.0.1",
				"--unixsocket", s.socket, "--dir", home}, w.options(port)...)...)
			cmd.Dir, cmd.SysProcAttr = home, childAttributes()
			return cmd
		},
		ready: func(ctx context.Context) error { return redisPing(ctx, s.socket) },
	}
	if err := p.startSomewhere(ctx); err != nil {
		return err
	}
	s.sentinel = p
	for _, command := range []string{
		fmt.Sprintf("MONITOR %s 127.0.0.1 %d 1", sentinelSet, s.Master.port),
		fmt.Sprintf("SET %s down-after-milliseconds 1000", sentinelSet),
		fmt.Sprintf("SET %s failover-timeout 5000", sentinelSet),
	} {
		if answer, err := redisAsk(ctx, s.socket, "SENTINEL "+command); err != nil || answer != "+OK" {
			return fmt.Errorf("redis sentinel: %s: %q, %w", command, answer, err)
		}
	}
	return nil
}

// SetDownAfter says how long the master may be silent from now on.
func (s *RedisSentinel) SetDownAfter(ctx context.Context, silent time.Duration) error {
	answer, err := redisAsk(ctx, s.socket, fmt.Sprintf("SENTINEL SET %s down-after-milliseconds %d", sentinelSet, silent.Milliseconds()))
	if err == nil && answer != "+OK" {
		err = fmt.Errorf("redis sentinel: %s", answer)
	}
	return err
}

// CatchUp waits until the replica has all that the master has. No writes may go
// to the master meanwhile.
func (s *RedisSentinel) CatchUp(ctx context.Context) error { return caughtUp(ctx, s.Master, s.Replica) }

func caughtUp(ctx context.Context, from, to *RedisServer) error {
	return until(ctx, "the replica has caught up", func() (string, bool) {
		master, err1 := redisAsk(ctx, from.socket, "INFO replication")
		replica, err2 := redisAsk(ctx, to.socket, "INFO replication")
		_, offset, known := strings.Cut(master, "\r\nmaster_repl_offset:")
		offset, _, _ = strings.Cut(offset, "\r\n")
		return fmt.Sprintln(master, err1, replica, err2),
			known && strings.Contains(master, ",state=online,") &&
				strings.Contains(replica, "\r\nmaster_link_status:up\r\n") && strings.Contains(replica, "\r\nslave_repl_offset:"+offset+"\r\n")
	})
}

// until waits for what answers tells of.
func until(ctx context.Context, what string, holds func() (answer string, ok bool)) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for {
		answer, ok := holds()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for: %s: %w; last %q", what, ctx.Err(), answer)
		case <-time.After(pollEvery):
		}
	}
}

// Stop ends all three. A master would wait for a replica that is gone.
func (s *RedisSentinel) Stop() error {
	var errs []error
	if s.sentinel != nil {
		errs = append(errs, s.sentinel.Stop())
	}
	for _, server := range []*RedisServer{s.Master, s.Replica} {
		if server != nil {
			errs = append(errs, server.Kill())
		}
	}
	return errors.Join(errs...)
}

// Sentinel starts a master, a replica and a Sentinel for this test alone; that
// takes a fifth of a second.
func Sentinel(tb testing.TB) *SentinelHandle {
	tb.Helper()
	return startSentinel(tb, plain())
}

func startSentinel(tb testing.TB, w wire) *SentinelHandle {
	tb.Helper()
	s, err := startRedisSentinel(tb.Context(), tempDir(tb), w)
	if err != nil {
		unavailable(tb, err)
	}
	h := &SentinelHandle{
		Master:  &RedisHandle{Handle{tb, s.Master.process}, s.Master.URL},
		Replica: &RedisHandle{Handle{tb, s.Replica.process}, s.Replica.URL},
		URL:     s.URL, tb: tb, s: s,
	}
	tb.Cleanup(func() { (&Handle{tb: tb}).must(s.Stop()) })
	return h
}

// SentinelHandle is a RedisSentinel in the hands of a test.
type SentinelHandle struct {
	Master, Replica *RedisHandle
	// URL leads to whichever is the master.
	URL string

	tb testing.TB
	s  *RedisSentinel
}

// SetDownAfter says how long the master may be silent from now on.
func (h *SentinelHandle) SetDownAfter(silent time.Duration) {
	h.tb.Helper()
	(&Handle{tb: h.tb}).must(h.s.SetDownAfter(h.tb.Context(), silent))
}

// CatchUp waits until the replica has all that the master has. No writes may go
// to the master meanwhile.
func (h *SentinelHandle) CatchUp() {
	h.tb.Helper()
	(&Handle{tb: h.tb}).must(h.s.CatchUp(h.tb.Context()))
}
