package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

const (
	commandPath = "/command"
	alivePath   = "/alive" // answers that there is a server, and does nothing

	maxCommand = 64 << 10 // bytes of a request's body
	maxHeader  = 4 << 10
	// maxConnections are open at once; further ones wait to be accepted.
	maxConnections = 16
	// readTimeout is for a request, and writeTimeout for carrying it out and
	// writing the answer: a client that stalls holds its connection no longer.
	readTimeout  = 10 * time.Second
	writeTimeout = clientTimeout
	// drainTimeout is for the commands that are being carried out when the
	// server ends; each takes as long as a password hash.
	drainTimeout = 5 * time.Second
)

// wireCommand is a command on its way: a config.Secret would arrive as
// "[redacted]".
type wireCommand struct {
	Command
	Password string
}

// wireResult is the answer to a command.
type wireResult struct {
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Server takes operators' commands in embedded mode, where the running server
// holds the sessions and no other process can open them. It speaks HTTP on a Unix
// socket that only the server's own account can connect to; a loopback port, which
// it was before, can be reached by every account of the machine and by the web
// pages in its browsers.
type Server struct {
	service  *auth.Service
	log      *slog.Logger
	file     string
	listener net.Listener
	server   *http.Server
}

// Listen opens the socket in dir, a DATA_DIR whose sessions the caller holds.
// Close ends it.
func Listen(ctx context.Context, dir string, service *auth.Service, log *slog.Logger) (*Server, error) {
	l, err := listenSocket(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("listen for operators' commands: %w", err)
	}
	s := &Server{service: service, log: log, file: socketFile(dir), listener: netutil.LimitListener(l, maxConnections)}
	s.server = &http.Server{
		Handler: s, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.server.SetKeepAlivesEnabled(false) // one command a connection
	return s, nil
}

// Serve takes commands until Shutdown or Close.
func (s *Server) Serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown takes no more commands, and finishes those that it took.
func (s *Server) Shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := removeIfThere(s.file)
	if cut := s.server.Shutdown(ctx); cut != nil {
		s.log.Warn("an operator's command cut at the deadline", "error", cut)
	}
	return errors.Join(err, s.server.Close())
}

// Close ends a Server that may never have served, and removes the socket.
func (s *Server) Close() error {
	err := errors.Join(removeIfThere(s.file), s.server.Close())
	if closed := s.listener.Close(); !errors.Is(closed, net.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == alivePath && r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path != commandPath:
		http.Error(w, "not found", http.StatusNotFound)
	case r.Method != http.MethodPost:
		http.Error(w, "a command is a POST", http.StatusMethodNotAllowed)
	default:
		s.command(w, r)
	}
}

func (s *Server) command(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCommand))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	in, err := parseCommand(text, err)
	if err != nil {
		http.Error(w, "not a command", http.StatusBadRequest)
		return
	}
	var result wireResult
	out, err := CarryOut(r.Context(), s.service, in)
	if result.Output = out; err != nil {
		result.Error = err.Error()
	}
	s.log.Info("operator's command", "command", in.Verb, "done", err == nil)
	w.Header().Set("Content-Type", "application/json")
	// It fails when the client has left.
	_ = json.NewEncoder(w).Encode(result)
}

func parseCommand(text []byte, err error) (Command, error) {
	var in wireCommand
	body := json.NewDecoder(bytes.NewReader(text))
	body.DisallowUnknownFields() // or a command of a newer version would be half done
	if err == nil {
		err = body.Decode(&in)
	}
	in.Command.Password = config.Secret(in.Password)
	return in.Command, err
}
