package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"
)

// ErrNoServer: no server takes commands at the moment.
var ErrNoServer = errors.New("no server takes commands there")

// ErrKilled is ErrNoServer where the last server left its socket.
var ErrKilled = fmt.Errorf("%w: the last one was killed", ErrNoServer)

// clientTimeout is how long Send waits for the result.
const clientTimeout = time.Minute

// Send sends a command to the server that runs on dir, a DATA_DIR, and returns the
// text to print.
func Send(ctx context.Context, dir string, c Command) (string, error) {
	text, err := json.Marshal(wireCommand{c, c.Password.Reveal()}) //nolint:gosec // G117: the password is what the command carries, over a socket of this account
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	conn, err := connect(ctx, dir)
	if err != nil {
		return "", err
	}
	resp, err := exchange(ctx, conn, http.MethodPost, commandPath, bytes.NewReader(text))
	if err != nil {
		return "", fmt.Errorf("the server went away before it answered; see what it has done before you run the command again: %w", err)
	}
	defer resp.Body.Close()
	var result wireResult
	switch {
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return "", errors.New("that is too long")
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("the server does not understand the command (%s); is it another version?", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&result); err != nil {
		return "", fmt.Errorf("read the server's answer: %w", err)
	}
	if result.Error != "" {
		return "", errors.New(result.Error)
	}
	return result.Output, nil
}

// Alive returns nil when a server runs on dir, a DATA_DIR, ErrNoServer when none
// does, and ctx's error when a server has the socket and does not answer.
func Alive(ctx context.Context, dir string) error {
	conn, err := connect(ctx, dir)
	var resp *http.Response
	if err == nil {
		resp, err = exchange(ctx, conn, http.MethodGet, alivePath, nil)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil && conn == nil:
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNoServer, err) // it has ended meanwhile
	}
	return resp.Body.Close()
}

// connect returns ErrNoServer when it fails, except when the socket belongs to
// another account: the user can run the command as that account.
func connect(ctx context.Context, dir string) (net.Conn, error) {
	conn, err := dialSocket(ctx, dir)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, err
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	if _, missing := os.Lstat(socketFile(dir)); errors.Is(missing, fs.ErrNotExist) {
		return nil, ErrNoServer
	}
	return nil, fmt.Errorf("%w: %w", ErrKilled, err)
}

// exchange sends one request over conn, which it closes with the response's body.
func exchange(ctx context.Context, conn net.Conn, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://gatehouse"+path, body)
	if err != nil {
		conn.Close()
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}).RoundTrip(req)
	if err != nil {
		conn.Close()
	}
	return resp, err
}
