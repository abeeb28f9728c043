// Package logbuffer gathers log lines, so that many cost one system call. A slow
// disk blocks the goroutines that log, as it did when each line was one write; no
// line is dropped.
package logbuffer

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// delay is how long a line may wait: a SIGKILL or a loss of power loses the lines
	// of this time at most. A line of level WARN or above does not wait.
	delay = 50 * time.Millisecond
	// flushAt is how many bytes are written at once without waiting for delay.
	flushAt = 64 << 10
	// bound is how many bytes are kept while the disk takes none. Writers block
	// beyond it.
	bound = 1 << 20
)

// Writer gathers lines while Run runs. Before and after, each Write reaches
// the underlying writer before it returns. It is safe for concurrent use and
// keeps the order of its lines.
type Writer struct {
	out  io.Writer
	wake chan struct{} // a line waits

	flushing sync.Mutex // held while out is written to; taken before mu
	spare    []byte     // the buffer of the last write

	mu        sync.Mutex
	buf       []byte
	buffering bool
}

// New makes a Writer that writes to out.
func New(out io.Writer) *Writer {
	return &Writer{out: out, wake: make(chan struct{}, 1)}
}

// Write takes whole lines. It ignores an error of the underlying writer: there is no
// other log to report it in.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	waiting := len(w.buf) > 0
	w.buf = append(w.buf, p...)
	size, buffering := len(w.buf), w.buffering
	w.mu.Unlock()
	switch {
	case !buffering || size >= bound:
		w.Flush()
	case size >= flushAt && w.flushing.TryLock(): // else another writer is at it
		w.flush()
	case !waiting:
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

// Flush writes the waiting lines. When it returns, every line that Write took before
// the call has been written.
func (w *Writer) Flush() {
	w.flushing.Lock()
	w.flush()
}

// flush writes the waiting lines. The caller holds flushing; flush unlocks it.
func (w *Writer) flush() {
	defer w.flushing.Unlock()
	w.mu.Lock()
	full := w.buf
	w.buf = w.spare[:0]
	w.mu.Unlock()
	if len(full) > 0 {
		_, _ = w.out.Write(full)
	}
	if w.spare = full; cap(full) > 2*flushAt {
		w.spare = nil // a burst's memory is not kept
	}
}

// Run gathers lines until ctx ends, and then writes the waiting ones.
func (w *Writer) Run(ctx context.Context) error {
	w.setBuffering(true)
	defer w.Flush()
	defer w.setBuffering(false)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		}
		timer.Reset(delay)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		w.Flush()
	}
}

func (w *Writer) setBuffering(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buffering = on
}

// Handler wraps h, which writes to w, so that records of level WARN and above are
// flushed at once: they explain a crash.
func (w *Writer) Handler(h slog.Handler) slog.Handler { return handler{h, w} }

type handler struct {
	slog.Handler
	w *Writer
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.w.Flush()
	}
	return err
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.w}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.w}
}
