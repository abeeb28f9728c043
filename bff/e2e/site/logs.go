package site

import (
	"bytes"
	"strings"
	"sync"
)

// LockedBuffer takes log lines from many goroutines.
type LockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *LockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *LockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func LineWith(lines, part string) string {
	for line := range strings.Lines(lines) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// Flush does nothing: every line is taken at once.
func (b *LockedBuffer) Flush() {}
