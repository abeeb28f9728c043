package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

const profiled = 12 * time.Second

// profile has Gatehouse tell where its time and its memory go while 64
// connections ask for 1 KiB.
func profile(ctx context.Context, g *gatehouse, cookies []string, cores, dir string, say io.Writer) error {
	var during load.Sample
	var before, after uint64
	order := load.Order{Addr: g.Addr, Path: rivals.SmallPath, Length: rivals.Small, Connections: load.MaxConnections, Cookies: cookies, WarmUp: time.Second / 2, Duration: profiled + time.Second}
	// One after the other: counting allocations is not what takes the time.
	for _, p := range []struct{ file, path string }{
		{"cpu.pprof", "/debug/pprof/profile?seconds="}, {"allocs.pprof", "/debug/pprof/allocs?seconds="},
	} {
		var err error
		if before, err = mallocs(ctx, g.ops); err != nil {
			return err
		}
		// The thread that may start processes is ours: the other one asks.
		fetched := make(chan error, 1)
		go func() {
			fetched <- fetch(ctx, fmt.Sprintf("http://%s%s%.0f", g.ops, p.path, profiled.Seconds()), filepath.Join(dir, p.file))
		}()
		during, err = rivals.RunLoad(ctx, cores, order)
		if fetchErr := <-fetched; err == nil {
			err = fetchErr
		}
		if err != nil {
			return err
		}
		if after, err = mallocs(ctx, g.ops); err != nil {
			return err
		}
	}
	fmt.Fprintf(say, "\n%.1f allocations a request (%d requests); go tool pprof -top %s\n", float64(after-before)/float64(during.Asked), during.Asked, filepath.Join(dir, "cpu.pprof"))
	return nil
}

func fetch(ctx context.Context, url, file string) error {
	text, err := get(ctx, url)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return text, err
}

var mallocsLine = regexp.MustCompile(`(?m)^# Mallocs = (\d+)$`)

// mallocs is how many objects a process has allocated so far.
func mallocs(ctx context.Context, ops string) (uint64, error) {
	text, err := get(ctx, "http://"+ops+"/debug/pprof/heap?debug=1")
	if err != nil {
		return 0, err
	}
	found := mallocsLine.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no count of allocations at %s", ops)
	}
	return strconv.ParseUint(string(found[1]), 10, 64)
}
