package rivals

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
)

// What the fast upstream answers with, by the end of the path.
const (
	Small = 1 << 10
	Large = 64 << 10

	SmallPath = "/api/bench/1k"
	LargePath = "/api/bench/64k"
)

// Addrs is the first line that a part says.
type Addrs struct {
	Fast string // answers GETs of the two sizes, and does so as cheaply as possible
	Full string `json:",omitempty"` // takes uploads and WebSockets
}

// UpstreamPart is what everything is a proxy for. It ends with its input.
func UpstreamPart(_ []string, in io.Reader, out io.Writer) error {
	fast, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	full, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/full/transfer", exchange)
	mux.HandleFunc("/api/full/echo", echo)
	go serveFast(fast)
	go http.Serve(full, mux)
	return untilEnd(in, out, Addrs{fast.Addr().String(), full.Addr().String()})
}

func untilEnd(in io.Reader, out io.Writer, a Addrs) error {
	if err := json.NewEncoder(out).Encode(a); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// serveFast speaks just enough HTTP for the proxies: GETs without a body, responses
// made in advance. net/http would be the bottleneck of
// most scenarios.
func serveFast(l net.Listener) {
	answers := map[bool][]byte{false: made(Small), true: made(Large)}
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			in := bufio.NewReader(conn)
			for {
				first, err := in.ReadSlice('\n')
				if err != nil {
					return
				}
				isLarge := bytes.Contains(first, []byte(LargePath))
				if !bytes.HasPrefix(first, []byte("GET ")) || !isLarge && !bytes.Contains(first, []byte(SmallPath)) {
					fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
					return
				}
				for line := first; len(line) > 2; {
					if line, err = in.ReadSlice('\n'); err != nil {
						return
					}
				}
				if _, err := conn.Write(answers[isLarge]); err != nil {
					return
				}
			}
		}()
	}
}

func made(size int) []byte {
	body := `{"items":["` + strings.Repeat("x", size-len(`{"items":[""]}`)) + `"]}`
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nCache-Control: no-store\r\n\r\n%s", len(body), body)
}

// exchange takes what there is, says how much, and answers with as much as it
// was asked for.
func exchange(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the sum will tell
	}
	size, _ := strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
	w.Header().Set("X-Received", strconv.FormatInt(n, 10))
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	_, _ = io.CopyN(w, Zeros{}, size)
}

type Zeros struct{}

func (Zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, text, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, text) != nil {
			return
		}
	}
}

// BarePart is what Go's own proxy does at its best without any of our work: a
// pool of connections that the load fits in, and buffers that are used again.
func BarePart(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("bare: name the upstream")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	to := &url.URL{Scheme: "http", Host: args[0]}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{
			MaxIdleConns: 4 * load.MaxConnections, MaxIdleConnsPerHost: 4 * load.MaxConnections, IdleConnTimeout: 5 * time.Minute, DisableCompression: true,
		},
		BufferPool: &buffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}},
	}
	go http.Serve(l, proxy)
	return untilEnd(in, out, Addrs{Fast: l.Addr().String()})
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte { return b.pool.Get().(*[32 << 10]byte)[:] }

func (b *buffers) Put(buf []byte) { b.pool.Put((*[32 << 10]byte)(buf)) }
