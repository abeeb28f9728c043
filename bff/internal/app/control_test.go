package app

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// A command whose time was up before a connection was made said that the server
// had gone away, and that it may have carried the command out.
func TestCommandThatNeverConnectedSaysThatNoServerTakesIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, controlFile), []byte(`{"address":"`+l.Addr().String()+`","token":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := handOver(ctx, dir, operator.Command{Verb: operator.ListUsers}); !errors.Is(err, errNoServer) {
		t.Errorf("%v, want %v", err, errNoServer)
	}
}

func TestCommandWhoseServerHangsUpMayHaveBeenCarriedOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer l.Close()
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
	}()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, controlFile), []byte(`{"address":"`+l.Addr().String()+`","token":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := handOver(t.Context(), dir, operator.Command{Verb: operator.ListUsers}); err == nil || errors.Is(err, errNoServer) {
		t.Errorf("%v, want anything but %v", err, errNoServer)
	}
}
