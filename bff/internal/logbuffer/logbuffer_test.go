package logbuffer

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// disk counts its writes, and may be stuck.
type disk struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	stuck  chan struct{} // nil: it is not
}

func (d *disk) Write(p []byte) (int, error) {
	if d.stuck != nil {
		<-d.stuck
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	return d.text.Write(p)
}

func (d *disk) state() (text string, writes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String(), d.writes
}

// running gathers lines until the returned function is called.
func running(t *testing.T, d *disk) (*Writer, func()) {
	t.Helper()
	w := New(d)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx)
	}()
	for buffering := false; !buffering; runtime.Gosched() {
		w.mu.Lock()
		buffering = w.buffering
		w.mu.Unlock()
	}
	return w, func() { cancel(); <-done }
}

func TestLinesOf50MillisecondsAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		w, stop := running(t, &d)
		defer stop()
		for _, line := range []string{"a\n", "b\n"} {
			fmt.Fprint(w, line)
			time.Sleep(20 * time.Millisecond)
		}
		if text, writes := d.state(); writes != 0 {
			t.Errorf("after 40 ms: %d writes, %q", writes, text)
		}
		time.Sleep(10*time.Millisecond + time.Nanosecond)
		if text, writes := d.state(); text != "a\nb\n" || writes != 1 {
			t.Errorf("after 50 ms: %d writes, %q", writes, text)
		}
		time.Sleep(time.Hour)
		fmt.Fprint(w, "c\n")
		time.Sleep(50*time.Millisecond + time.Nanosecond)
		if text, writes := d.state(); text != "a\nb\nc\n" || writes != 2 {
			t.Errorf("after an idle hour: %d writes, %q", writes, text)
		}
	})
}

func TestLineIsNotLostAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		w, stop := running(t, &d)
		fmt.Fprint(w, "drained\n")
		stop()
		if text, _ := d.state(); text != "drained\n" {
			t.Errorf("after Run: %q", text)
		}
		fmt.Fprint(w, "closed\n")
		if text, _ := d.state(); text != "drained\nclosed\n" {
			t.Errorf("a line after Run waits: %q", text)
		}
	})
}

func TestLineBeforeRunDoesNotWait(t *testing.T) {
	var d disk
	fmt.Fprint(New(&d), "refused to start\n")
	if text, _ := d.state(); text != "refused to start\n" {
		t.Errorf("%q", text)
	}
}

func TestWarningDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			level slog.Level
			want  bool
		}{{slog.LevelInfo, false}, {slog.LevelWarn, true}, {slog.LevelError, true}} {
			var d disk
			w, stop := running(t, &d)
			log := slog.New(w.Handler(slog.NewTextHandler(w, nil))).With("of", "test").WithGroup("g")
			log.Info("earlier")
			log.Log(t.Context(), c.level, "now", "k", "v")
			text, _ := d.state()
			if got := strings.Contains(text, "msg=now of=test g.k=v"); got != c.want || got && !strings.Contains(text, "msg=earlier") {
				t.Errorf("%s: %q", c.level, text)
			}
			stop()
		}
	})
}

// 16 writers and a disk that blocks: the log's memory is bounded, and once the disk
// takes lines again none is missing or cut.
func TestStuckDiskHoldsWritersUpAndLosesNothing(t *testing.T) {
	const writers, lines = 16, 400
	d := disk{stuck: make(chan struct{})}
	w, stop := running(t, &d)
	line := strings.Repeat("x", 999) + "\n"
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range lines {
				fmt.Fprint(w, line)
			}
		})
	}
	size := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.buf)
	}
	deadline := time.Now().Add(time.Minute)
	for size() < bound {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes wait", size())
		}
		runtime.Gosched()
	}
	for range 1000 {
		if n, most := size(), bound+writers*len(line); n > most {
			t.Fatalf("%d bytes wait, want at most %d", n, most)
		}
		runtime.Gosched()
	}
	close(d.stuck)
	all.Wait()
	stop()
	if text, _ := d.state(); text != strings.Repeat(line, writers*lines) {
		t.Errorf("%d bytes, want %d", len(text), writers*lines*len(line))
	}
	if cap(w.buf) > 2*flushAt || cap(w.spare) > 2*flushAt {
		t.Errorf("%d and %d bytes stay after the burst", cap(w.buf), cap(w.spare))
	}
}

func TestWriterKeepsTheOrderOfEachWriter(t *testing.T) {
	var d disk
	w, stop := running(t, &d)
	const writers, lines = 8, 3000
	var all sync.WaitGroup
	for id := range writers {
		all.Go(func() {
			for n := range lines {
				fmt.Fprintf(w, "%d %d %s\n", id, n, strings.Repeat("-", n%97))
				if n%500 == 0 {
					w.Flush()
				}
			}
		})
	}
	all.Wait()
	stop()
	next := [writers]int{}
	text, _ := d.state()
	for line := range strings.Lines(text) {
		var id, n int
		if _, err := fmt.Sscanf(line, "%d %d", &id, &n); err != nil || n != next[id] {
			t.Fatalf("%q: %v, want line %d", line, err, next[id])
		}
		next[id]++
	}
	for id, n := range next {
		if n != lines {
			t.Errorf("writer %d: %d lines of %d", id, n, lines)
		}
	}
}
