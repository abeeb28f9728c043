package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// transfer sends n bytes down, up and both ways.
func transfer(ctx context.Context, g *gatehouse, s signedIn, n int64) (out report.Transfers, err error) {
	out.Bytes = n
	if err := exchanged(ctx, g.Addr, s, 1, 1); err != nil {
		return out, err
	}
	before, err := g.Process.Usage()
	if err != nil {
		return out, err
	}
	began := time.Now()
	for _, way := range []struct{ down, up int64 }{{n, 1}, {1, n}, {n, n}} {
		if err := exchanged(ctx, g.Addr, s, way.down, way.up); err != nil {
			return out, err
		}
	}
	out.PerSecond = float64(4*n) / time.Since(began).Seconds()
	after, err := g.Process.Usage()
	out.Growth = after.Peak - before.Peak
	return out, err
}

func exchanged(ctx context.Context, addr string, s signedIn, down, up int64) error {
	url := fmt.Sprintf("http://%s/api/full/transfer?size=%d", addr, down)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, io.LimitReader(rivals.Zeros{}, up))
	if err != nil {
		return err
	}
	req.ContentLength = up
	req.Header.Set("Cookie", s.cookie())
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || got != down || resp.Header.Get("X-Received") != strconv.FormatInt(up, 10) {
		return fmt.Errorf("%s: %d of %d bytes down, %s of %d up, %v", resp.Status, got, down, resp.Header.Get("X-Received"), up, err)
	}
	return nil
}

// affordable is how many of n WebSockets the limit on open files lets Gatehouse
// have: two connections each.
func affordable(n int) (int, string) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return n, ""
	}
	const others = 200
	// Go programs raise their own limit to the hard one.
	if can := (int(limit.Max) - others) / 2; limit.Max < 1<<30 && can < n {
		return max(can, 1), fmt.Sprintf("%d instead of %d: the hard limit on open files is %d (ulimit -Hn)", can, n, limit.Max)
	}
	return n, ""
}

// openSockets opens n of them, has a word go to and fro on each, and keeps them
// until it has looked, and has had what is in the heap written to a file unless
// that has no name.
func openSockets(ctx context.Context, g *gatehouse, members []signedIn, n int, heap string) (out report.Sockets, err error) {
	out.Count, out.Note = affordable(n)
	all := make([]*load.Conn, out.Count)
	defer func() {
		for _, w := range all {
			if w != nil {
				w.Close()
			}
		}
	}()
	const side = 16
	open := func(from, to int) error {
		return load.AtOnce(side, func(k int) error {
			for i := from + k; i < to; i += side {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				w, err := openSocket(g.Addr, members[i%len(members)])
				if err != nil {
					return fmt.Errorf("WebSocket %d: %w", i, err)
				}
				all[i] = w
			}
			return nil
		})
	}
	// What the first ones need is needed once.
	first := out.Count / 10
	if err := open(0, first); err != nil {
		return out, err
	}
	before, err := g.Process.Usage()
	if err != nil {
		return out, err
	}
	if err := open(first, out.Count); err != nil {
		return out, err
	}
	after, err := g.Process.Usage()
	if err != nil {
		return out, err
	}
	out.Each = float64(after.RSS-before.RSS) / float64(out.Count-first)
	if heap != "" {
		err = fetch(ctx, "http://"+g.ops+"/debug/pprof/heap?gc=1", heap)
	}
	return out, err
}

func openSocket(addr string, s signedIn) (*load.Conn, error) {
	w, err := load.Dial(addr)
	if err != nil {
		return nil, err
	}
	upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	r, err := w.Exchange(load.BrowserRequest("GET", "/api/full/echo", s.cookie(), upgrade), nil)
	if err == nil && r.Status != 101 {
		err = fmt.Errorf("status %d", r.Status)
	}
	if err == nil {
		err = echoed(w)
	}
	if err == nil {
		w.Reader = nil // ten thousand buffers
		return w, nil
	}
	return nil, errors.Join(err, w.Close())
}

// echoed sends a text frame, masked with zeros, and wants it back.
func echoed(w *load.Conn) error {
	if _, err := w.Raw.Write([]byte{0x81, 0x82, 0, 0, 0, 0, 'h', 'i'}); err != nil {
		return err
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(w.Reader, got); err != nil {
		return err
	}
	if want := []byte{0x81, 2, 'h', 'i'}; !bytes.Equal(got, want) {
		return fmt.Errorf("an echo of %q, want %q", got, want)
	}
	return nil
}
