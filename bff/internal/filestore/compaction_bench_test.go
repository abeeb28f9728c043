package filestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// BenchmarkCompaction renews 100,000 sessions, one call after the other, until
// the journal has been compacted, and gives the longest call, how long one in a
// thousand took or more, and by how much memory grew on top of the sessions.
//
// GOGC=10 leaves of that what is in use; by default most is garbage.
//
//	go test -run - -bench Compaction -benchtime 3x ./bff/internal/filestore
func BenchmarkCompaction(b *testing.B) {
	ctx, dir := context.Background(), b.TempDir()
	s, err := filestore.Open(filestore.Config{Dir: dir, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	all := make([]session.Record, 100_000)
	for i := range all {
		all[i] = plain(fmt.Sprintf("U%025d", i), fmt.Sprintf("S%025d", i), time.Now())
		all[i].IP, all[i].UserAgent = "198.51.100.7", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
		all[i].Account.Email, all[i].Account.Name = fmt.Sprintf("person%d@example.com", i), "Ada Lovelace"
		if _, err := s.Create(ctx, all[i]); err != nil {
			b.Fatal(err)
		}
	}
	name := filepath.Join(dir, "sessions.jsonl")
	inode := func() os.FileInfo {
		info, err := os.Stat(name)
		if err != nil {
			b.Fatal(err)
		}
		return info
	}
	var took []time.Duration
	var grown uint64
	for b.Loop() {
		runtime.GC()
		base := inUse()
		var peak atomic.Uint64
		over := make(chan struct{})
		sampled := make(chan struct{})
		go func() {
			defer close(sampled)
			for {
				peak.Store(max(peak.Load(), inUse()))
				select {
				case <-over:
					return
				case <-time.After(time.Millisecond):
				}
			}
		}()
		before := inode()
		for i, compacted := 0, false; !compacted; i++ {
			x := all[i%len(all)]
			began := time.Now()
			if err := s.Swap(ctx, x, x); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
			all[i%len(all)].Version++
			if i%100 == 0 {
				compacted = !os.SameFile(before, inode())
			}
		}
		close(over)
		<-sampled
		grown = max(grown, peak.Load()-min(base, peak.Load()))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)-1])/1e6, "ms/longest-call")
	b.ReportMetric(float64(took[len(took)-len(took)/1000-1])/1e6, "ms/p99.9")
	b.ReportMetric(float64(grown)/(1<<20), "MB-on-top")
}

// inUse is the memory of the heap that the system has given and not got back.
func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() + sample[1].Value.Uint64()
}
