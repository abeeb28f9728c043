package redisconn

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// The slots are read again when a node is silent, not when it refuses or its
// caller leaves; and once, however many calls fail.
func TestSlotsAreReadAgainWhenANodeIsSilent(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	for name, c := range map[string]struct {
		cmd  redis.Cmder
		err  error
		want int
	}{
		"cannot connect":                   {redis.NewStatusCmd(t.Context(), "get", "k"), refused, 1},
		"hung up":                          {redis.NewStatusCmd(t.Context(), "get", "k"), io.EOF, 1},
		"our own deadline":                 {redis.NewStatusCmd(t.Context(), "get", "k"), context.DeadlineExceeded, 1},
		"an answer":                        {redis.NewStatusCmd(t.Context(), "get", "k"), nil, 0},
		"nothing there":                    {redis.NewStatusCmd(t.Context(), "get", "k"), redis.Nil, 0},
		"the caller has left":              {redis.NewStatusCmd(t.Context(), "get", "k"), context.Canceled, 0},
		"the slots, from a node that died": {redis.NewStatusCmd(t.Context(), "cluster", "slots"), refused, 0},
	} {
		reloads := 0
		h := &slotsHook{reload: func(context.Context) { reloads++ }, pause: time.Hour}
		call := h.ProcessHook(func(context.Context, redis.Cmder) error { return c.err })
		for range 1000 {
			if err := call(t.Context(), c.cmd); !errors.Is(err, c.err) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if reloads != c.want {
			t.Errorf("%s: the slots were read %d times, want %d", name, reloads, c.want)
		}
	}
}

// A second outage has the slots read again as well.
func TestSlotsAreReadAgainAfterThePause(t *testing.T) {
	reloads := make(chan struct{}, 1)
	h := &slotsHook{reload: func(context.Context) { reloads <- struct{}{} }, pause: time.Millisecond}
	call := h.ProcessHook(func(context.Context, redis.Cmder) error { return io.EOF })
	late := time.After(20 * time.Second)
	for range 3 {
		for done := false; !done; {
			_ = call(t.Context(), redis.NewStatusCmd(t.Context(), "get", "k"))
			select {
			case <-reloads:
				done = true
			case <-late:
				t.Fatal("the slots are not read again")
			case <-time.After(time.Millisecond):
			}
		}
	}
}
