package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Proxies checks which of the trusted proxies a running instance has seen, from the
// metrics of its private listener at addr; "" where it is off.
func Proxies(addr string) []Check {
	return []Check{{Name: "proxies.seen", Ask: func(ctx context.Context) (Result, error) {
		const fix = "Start an instance and let it be used, then run this on its machine, or name its private listener with --ops HOST:PORT."
		if addr == "" {
			return Result{Fix: fix}, errors.New("OPS_ADDR is off")
		}
		text, err := scrape(ctx, local(addr))
		if err != nil {
			return Result{Fix: fix}, err
		}
		seen, err := readProxies(text)
		if err != nil {
			return Result{Fix: fix}, fmt.Errorf("%s: %w", addr, err)
		}
		return seen.judge()
	}}}
}

// local turns the address of a listener into one to connect to.
func local(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr // the connection's error names the mistake
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

const maxScrape = 16 << 20

func scrape(ctx context.Context, addr string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return "", err
	}
	// A private address is not reached over HTTP_PROXY.
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("no instance answers: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", addr, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxScrape))
	return string(text), err
}

// proxiesSeen has the counts of an instance since its start.
type proxiesSeen struct {
	requests int // without health checks
	// others counts requests with X-Forwarded-For from an address that is not trusted.
	others      int
	seen, never []string // networks in TRUSTED_PROXIES of that instance
}

var sample = regexp.MustCompile(`(?m)^(gatehouse_[a-z_]+)(?:\{(.*)\})? (\S+)$`)

// readProxies reads the text of a scrape.
func readProxies(text string) (p proxiesSeen, err error) {
	known := false
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return p, fmt.Errorf("%s is %q", m[1], m[3])
		}
		switch m[1] {
		case "gatehouse_http_requests_total":
			if !strings.Contains(m[2], `route="/healthz"`) {
				p.requests += int(value)
			}
		case "gatehouse_forwarded_by_others_total":
			known, p.others = true, int(value)
		case "gatehouse_trusted_proxy_seen":
			network := strings.TrimSuffix(strings.TrimPrefix(m[2], `network="`), `"`)
			if value == 1 {
				p.seen = append(p.seen, network)
			} else {
				p.never = append(p.never, network)
			}
		}
	}
	if !known {
		return p, errors.New("what answers there is another program, or an older version of Gatehouse")
	}
	return p, nil
}

func (p proxiesSeen) judge() (Result, error) {
	const list = "Put the network of every proxy in front into TRUSTED_PROXIES (its address is `ip` in the log); a client that comes past the proxies must not reach the port."
	all, never := Plural(p.requests, "request"), strings.Join(p.never, ", ")
	switch {
	case p.requests == 0:
		return Result{Fix: "Run it again when people have used it."}, errors.New("no request has come to this instance since it started")
	case len(p.never) > 0 && len(p.seen) == 0 && p.others > 0:
		return Result{State: Problem, Fix: list,
			Found: fmt.Sprintf("none of %s came from %s, and %d had X-Forwarded-For from elsewhere: all people count as one for the limits", all, never, p.others)}, nil
	case len(p.never) > 0:
		return Result{State: Warning, Fix: "Correct the network, or take it out: who is in it later is believed.",
			Found: fmt.Sprintf("none of %s came over %s", all, never)}, nil
	case p.others > 0:
		return Result{State: Warning, Fix: list,
			Found: fmt.Sprintf("%d of %s had X-Forwarded-For from an address that is not trusted", p.others, all)}, nil
	case len(p.seen) == 0:
		return Result{State: OK, Found: "none is trusted, and none was seen in " + all}, nil
	}
	return Result{State: OK, Found: "all of TRUSTED_PROXIES were seen in " + all}, nil
}
