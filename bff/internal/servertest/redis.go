package servertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// RedisServer is a Redis of one's own. What it holds survives Stop and Kill, as
// it does on a server with an append-only file.
type RedisServer struct {
	*process
	// URL is redis://127.0.0.1:port, the same after every Start; rediss:// over
	// TLS.
	URL string

	socket string
}

// StartRedis starts a server with its files in dir, which must exist. It runs
// until Stop; ctx bounds the start only. Without the program the error is a
// *MissingError.
func StartRedis(ctx context.Context, dir string) (*RedisServer, error) {
	return startRedis(ctx, dir, plain())
}

func startRedis(ctx context.Context, dir string, w wire, options ...string) (*RedisServer, error) {
	program, err := find("redis-server", "redis-server")
	if err != nil {
		return nil, err
	}
	socket, err := socketIn(dir)
	if err != nil {
		return nil, err
	}
	p := &process{
		name: "redis-server",
		dir:  dir,
		command: func(port int) *exec.Cmd {
			cmd := exec.Command(program, append([]string{
				"--bind", "127.0.0.1",
				"--unixsocket", socket, "--dir", ".",
				"--save", "", "--appendonly", "yes", "--appendfsync", "no",
			}, slices.Concat(w.options(port), options)...)...)
			cmd.Dir, cmd.SysProcAttr = dir, childAttributes()
			return cmd
		},
		ready: func(ctx context.Context) error { return redisPing(ctx, socket) },
	}
	if err := p.startSomewhere(ctx); err != nil {
		return nil, err
	}
	return &RedisServer{p, w.scheme + "://" + p.Addr(), socket}, nil
}

// Info gives the numbers of a section of INFO, by their names.
func (s *RedisServer) Info(ctx context.Context, section string) (map[string]float64, error) {
	text, err := redisAsk(ctx, s.socket, "INFO "+section)
	if err != nil {
		return nil, err
	}
	numbers := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			numbers[name] = n
		}
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("redis says no number of its %s: %q", section, text)
	}
	return numbers, nil
}

func redisPing(ctx context.Context, socket string) error {
	answer, err := redisAsk(ctx, socket, "PING")
	if err == nil && answer != "+PONG" { // "-LOADING …" while it reads its file
		return fmt.Errorf("redis says %q", answer)
	}
	return err
}

// says waits until the answer to a command has all the parts in it.
func (s *RedisServer) says(ctx context.Context, command string, parts ...string) error {
	return until(ctx, s.Addr()+" answers "+command+" as expected", func() (string, bool) {
		answer, err := redisAsk(ctx, s.socket, command)
		return fmt.Sprint(answer, err), !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(answer, part) })
	})
}

// redisDo sends one inline command that is answered with OK.
func redisDo(ctx context.Context, socket, command string) error {
	if answer, err := redisAsk(ctx, socket, command); err != nil || answer != "+OK" {
		return fmt.Errorf("redis: %s: %q, %w", command, answer, err)
	}
	return nil
}

// redisAsk sends one inline command. The answer is its first line, or the text
// itself when it is one.
func redisAsk(ctx context.Context, socket, command string) (string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	if _, err := fmt.Fprint(conn, command+"\r\n"); err != nil {
		return "", err
	}
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	length, isText := strings.CutPrefix(line, "$")
	if !isText {
		return line, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return line, err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(in, text)
	return string(text), err
}

// socketIn names the Unix socket of a server in dir.
func socketIn(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(abs); err != nil {
		return "", err
	}
	socket := filepath.Join(abs, "s")
	// sockaddr_un holds 108 bytes on Linux, 104 on a Mac, with the final zero.
	if len(socket) > 103 {
		return "", fmt.Errorf("the folder's name is too long for a Unix socket: %s", dir)
	}
	return socket, nil
}
