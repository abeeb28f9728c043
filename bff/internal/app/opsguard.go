package app

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// opsGuard keeps web pages out of the private listener. A page in a browser of the
// same network can send requests to it: cross-origin (with Origin, Referer,
// Sec-Fetch-Site), or by DNS rebinding, from a name of its own that it points at
// this address. Rebound requests are same-origin and have none of those headers
// where the address is not loopback. Pages read metrics and profiles that way, and
// started profiles.
type opsGuard struct {
	own      string // the host of OPS_ADDR
	loopback bool   // the address is reachable from this machine only
	log      *slog.Logger
}

func newOpsGuard(configured string, listener net.Addr, log *slog.Logger) opsGuard {
	host, _, _ := net.SplitHostPort(configured) // Listen has parsed it
	addr, isTCP := listener.(*net.TCPAddr)
	return opsGuard{own: strings.ToLower(host), loopback: isTCP && addr.IP.IsLoopback(), log: log}
}

func (g opsGuard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		status, why := g.refuses(r)
		if status == 0 {
			next.ServeHTTP(w, r)
			return
		}
		g.log.Warn("refused at the private listener", "status", status, "why", why, "peer", r.RemoteAddr)
		http.Error(w, why, status)
	})
}

// refuses returns the status and reason of a refusal, or 0.
func (g opsGuard) refuses(r *http.Request) (status int, why string) {
	if !g.answersTo(r.Host) {
		return http.StatusMisdirectedRequest, "The private listener does not answer to this Host. Ask it by its address, or put its name into OPS_ADDR."
	}
	site := r.Header.Values("Sec-Fetch-Site")
	if len(r.Header.Values("Origin")) > 0 || len(r.Header.Values("Referer")) > 0 || slices.ContainsFunc(site, func(s string) bool { return s != "none" }) {
		return http.StatusForbidden, "The private listener does not answer web pages. Type the address, or use a program such as curl."
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if r.URL.Path != symbolPath { // go tool pprof posts addresses
			return http.StatusMethodNotAllowed, "The private listener takes GET and HEAD."
		}
	default:
		return http.StatusMethodNotAllowed, "The private listener takes GET and HEAD."
	}
	return 0, ""
}

// privateSuffixes are of names that the public DNS does not have: an attacker
// cannot register one and point it here.
var privateSuffixes = []string{".internal", ".local", ".svc"}

// answersTo reports whether a Host is allowed. DNS rebinding needs a name in the
// public DNS, so addresses and names without a dot are safe. On loopback only names
// of loopback are: a request with another Host comes from elsewhere.
func (g opsGuard) answersTo(host string) bool {
	if host == "" {
		return true // HTTP/1.0, which browsers do not speak
	}
	if name, port, err := net.SplitHostPort(host); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return false
		}
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		return !g.loopback || addr.Unmap().IsLoopback()
	}
	switch {
	case host == "":
		return false
	case host == "localhost", host == strings.TrimSuffix(g.own, "."):
		return true
	case g.loopback:
		return false
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc(privateSuffixes, func(s string) bool { return strings.HasSuffix(host, s) })
}
