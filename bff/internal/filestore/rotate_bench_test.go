package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
)

// BenchmarkCreateAndRotate creates 100,000 sessions of 25,000 accounts and rotates
// each once, one call after the other, and opens the folder again: the figures of
// docs/decisions/0032.
//
//	go test -run '^$' -bench CreateAndRotate -benchtime 1x ./bff/internal/filestore
func BenchmarkCreateAndRotate(b *testing.B) {
	const n = 100_000
	ids := func(i int) (user, id string) {
		return fmt.Sprintf("user%06d", i/4), fmt.Sprintf("session%06d", i*7919%n)
	}
	for b.Loop() {
		dir := b.TempDir()
		s, err := filestore.Open(filestore.Config{Dir: dir, Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		var longest time.Duration
		timed := func(call func(i int) error) (perSecond float64) {
			began := time.Now()
			for i := range n {
				called := time.Now()
				if err := call(i); err != nil {
					b.Fatal(err)
				}
				longest = max(longest, time.Since(called))
			}
			return n / time.Since(began).Seconds()
		}
		now := time.Now()
		b.ReportMetric(timed(func(i int) error {
			user, id := ids(i)
			_, err := s.Create(b.Context(), plain(user, id, now))
			return err
		}), "created/s")
		b.ReportMetric(timed(func(i int) error {
			user, id := ids(i * 104729 % n)
			x, err := s.Get(b.Context(), user, id)
			next := x
			next.Generation++
			return errors.Join(err, s.Swap(b.Context(), x, next))
		}), "rotated/s")
		b.ReportMetric(longest.Seconds()*1000, "ms-longest-call")
		s.Settle()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(megabytes(b, dir), "MB-before")
		began := time.Now()
		if s, err = filestore.Open(filestore.Config{Dir: dir, Now: time.Now}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds()*1000, "ms-open")
		b.ReportMetric(megabytes(b, dir), "MB-after")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func megabytes(b *testing.B, dir string) float64 {
	b.Helper()
	info, err := os.Stat(filepath.Join(dir, "sessions.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}
