package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// controlFile, in DATA_DIR, says where a running server takes the operator's
// commands, and what proves that somebody may read DATA_DIR.
const controlFile = "control.json"

type controlAddress struct {
	Address string `json:"address"`
	Token   string `json:"token"`
}

const (
	controlPath        = "/command"
	alivePath          = "/alive" // answers that there is a server, and does nothing
	controlTokenBytes  = 32
	maxControlBody     = 64 << 10
	controlReadTimeout = 10 * time.Second
	// controlDrain is for the commands that are being carried out when the
	// server ends; each takes as long as a password hash.
	controlDrain = 5 * time.Second
	// controlTimeout is how long an answer is waited for.
	controlTimeout = time.Minute
)

// order is a command on its way: a config.Secret would arrive as "[redacted]".
type order struct {
	operator.Command
	Password string
}

// done is the answer to an order.
type done struct {
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

// control is how a server in embedded mode takes the operator's commands: it
// holds the sessions, and nobody else can open them. It listens on the
// loopback address, where every account of this machine and, through their
// browsers, every web page can knock; so whoever comes has to know what is in
// a file that only the server's own account can read.
type control struct {
	service  *auth.Service
	log      *slog.Logger
	file     string
	host     string // its own address, the only one that it answers to
	token    string
	listener net.Listener
	server   *http.Server
}

// openControl listens, and says where in DATA_DIR.
func (a *App) openControl(ctx context.Context) error {
	if !a.config.Embedded {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the operator's commands: %w", err)
	}
	a.closers = append(a.closers, ignoreClosed(l.Close))
	random := make([]byte, controlTokenBytes)
	rand.Read(random) // never fails (crypto/rand)
	c := &control{
		service: a.service, log: a.log, listener: l, host: l.Addr().String(),
		file: filepath.Join(a.config.DataDir, controlFile), token: base64.RawURLEncoding.EncodeToString(random),
	}
	c.server = newHTTPServer(c, a.log)
	c.server.ReadTimeout = controlReadTimeout
	text, err := json.Marshal(controlAddress{c.host, c.token})
	if err != nil {
		return err
	}
	if err := textfile.WriteWhole(c.file, string(text)+"\n"); err != nil {
		return err
	}
	a.closers = append(a.closers, func() error { return removeIfThere(c.file) })
	a.control = c
	return nil
}

// shutdown takes no more commands, and finishes those that it took.
func (c *control) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), controlDrain)
	defer cancel()
	err := removeIfThere(c.file)
	if cut := c.server.Shutdown(ctx); cut != nil {
		c.log.Warn("an operator's command cut at the deadline", "error", cut)
	}
	return errors.Join(err, c.server.Close())
}

// ServeHTTP implements http.Handler.
func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := c.refuses(r); status != 0 {
		c.log.Warn("refused: somebody who is no operator at the control channel", "status", status)
		http.Error(w, http.StatusText(status), status)
		return
	}
	if r.URL.Path == alivePath {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	in, err := parseOrder(text, err)
	if err != nil {
		http.Error(w, "not a command", http.StatusBadRequest)
		return
	}
	var answer done
	out, err := operator.CarryOut(r.Context(), c.service, in)
	if answer.Output = out; err != nil {
		answer.Error = err.Error()
	}
	c.log.Info("operator's command", "command", in.Verb, "done", err == nil)
	w.Header().Set("Content-Type", "application/json")
	// The operator has gone when this fails.
	_ = json.NewEncoder(w).Encode(answer)
}

func parseOrder(text []byte, err error) (operator.Command, error) {
	var in order
	body := json.NewDecoder(bytes.NewReader(text))
	body.DisallowUnknownFields() // of a newer version's command half would be done
	if err == nil {
		err = body.Decode(&in)
	}
	in.Command.Password = config.Secret(in.Password)
	return in.Command, err
}

// refuses says with which status, or 0. A page in a browser on this machine
// can send requests here: under a name of its own that has been pointed at
// 127.0.0.1 (another Host), or as a page (an Origin).
func (c *control) refuses(r *http.Request) int {
	presented, known := []byte(r.Header.Get("Authorization")), []byte("Bearer "+c.token)
	switch {
	case r.Host != c.host:
		return http.StatusMisdirectedRequest
	case len(r.Header.Values("Origin")) > 0 || len(r.Header.Values("Sec-Fetch-Site")) > 0:
		return http.StatusForbidden
	case subtle.ConstantTimeCompare(presented, known) != 1:
		return http.StatusUnauthorized
	case r.URL.Path == alivePath && r.Method == http.MethodGet:
		return 0
	case r.URL.Path != controlPath:
		return http.StatusNotFound
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	}
	return 0
}

// errNoServer: nobody takes commands at the moment.
var errNoServer = errors.New("no server takes commands there")

// handOver has the server that runs on dir carry out a command.
func handOver(ctx context.Context, dir string, c operator.Command) (string, error) {
	at, err := readControl(dir)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(order{c, c.Password.Reveal()}) //nolint:gosec // G117: the password is what the command carries, over loopback
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at.Address+controlPath, bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+at.Token)
	req.Header.Set("Content-Type", "application/json")
	// HTTP_PROXY is not for what must not leave this machine.
	var connected atomic.Bool
	resp, err := (&http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		connected.Store(err == nil)
		return conn, err
	}}).RoundTrip(req)
	if err != nil && !connected.Load() {
		return "", fmt.Errorf("%w: %w", errNoServer, err)
	}
	if err != nil {
		return "", fmt.Errorf("the server went away before it answered; see what it has done before you run the command again: %w", err)
	}
	defer resp.Body.Close()
	var answer done
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusMisdirectedRequest:
		return "", fmt.Errorf("%w: %s is another server", errNoServer, at.Address) // the file is of one that was killed
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return "", errors.New("that is too long")
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("the server does not understand the command (%s); is it another version?", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.Error != "" {
		return "", errors.New(answer.Error)
	}
	return answer.Output, nil
}

func readControl(dir string) (at controlAddress, err error) {
	text, err := os.ReadFile(filepath.Join(dir, controlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return at, errNoServer
	}
	if err != nil {
		return at, err
	}
	if err := json.Unmarshal(text, &at); err != nil || at.Address == "" {
		return at, fmt.Errorf("%w: %s is damaged", errNoServer, controlFile)
	}
	return at, nil
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
