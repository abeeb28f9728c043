package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

var errTerminalGone = errors.New("the terminal that the server ran in is gone")

// hangups begins to listen for SIGHUP, which otherwise ends the process;
// what it returns waits for the next one. Two that come before the first is
// seen to count as one. Windows has no SIGHUP.
//
// The signal means two things: an operator wants files read again, or the
// terminal was closed. In the second case a server that stayed would hold its
// port and its data without a terminal to stop it, so that is an error.
func hangups() func(context.Context) error {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	log := int(os.Stderr.Fd())
	onTerminal := term.IsTerminal(log)
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-caught:
		}
		if onTerminal && !term.IsTerminal(log) {
			return errTerminalGone
		}
		return nil
	}
}
