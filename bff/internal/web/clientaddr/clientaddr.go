// Package clientaddr finds the address of a request's client: its peer's, or what
// trusted proxies have written into X-Forwarded-For.
package clientaddr

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// maxForwardedHops bounds the entries of X-Forwarded-For that are read.
const maxForwardedHops = 64

// Finder finds the client's address. Echo's default believes any
// X-Forwarded-For; its trusting variant trusts every private network unless
// told not to, and gives the whole chain up at an entry with a port, which made
// all people behind Azure's gateways one client for every limit.
type Finder struct {
	trusted []netip.Prefix
	log     *slog.Logger
	said    [len(unreadableKinds)]sync.Once
	// seen has for each of trusted whether a request has come over it; others
	// counts requests that were forwarded by an address that is not trusted.
	seen   []atomic.Bool
	others atomic.Int64
}

// New finds clients behind proxies in trusted, and logs what they send that is not an address.
func New(trusted []netip.Prefix, log *slog.Logger) *Finder {
	return &Finder{trusted: trusted, log: log, seen: make([]atomic.Bool, len(trusted))}
}

// unreadableKinds are logged once each, so that neither clients nor a proxy can fill
// the log.
var unreadableKinds = [...]string{
	unreadableOther:      "text that is not an address",
	unreadableUnknown:    "unknown",
	unreadableObfuscated: "an obfuscated identifier",
	unreadableForwarded:  "only the Forwarded header, which is not read",
}

const (
	unreadableOther = iota
	unreadableUnknown
	unreadableObfuscated
	unreadableForwarded
)

// Find returns the client's address. It goes from the peer to the left over the
// trusted proxies. Each of them has appended the address of its peer, so the entries
// left of the first address that is not trusted were written by a client, and are
// not read. Where a trusted proxy has sent something else than an address, the
// client is unknown, and the proxy counts as the client.
func (x *Finder) Find(r *http.Request) string {
	direct := peer(r)
	lines := r.Header["X-Forwarded-For"]
	// Probes of a load balancer do not take the way of people's requests.
	probe := r.URL.Path == "/healthz"
	hop, err := netip.ParseAddr(direct)
	if err != nil {
		return direct
	}
	if hop = plainAddr(hop); !x.trusts(hop, probe) {
		if len(lines) > 0 && !probe {
			x.others.Add(1)
		}
		return direct
	}
	if len(lines) == 0 && len(r.Header["Forwarded"]) > 0 {
		x.sayUnreadable(unreadableForwarded, hop, "")
	}
	for entry := range lastEntries(lines) {
		next, ok := forwardedAddr(entry)
		if !ok {
			x.sayUnreadable(unreadableKind(entry), hop, entry)
			break
		}
		if hop = next; !x.trusts(hop, probe) {
			break
		}
	}
	return hop.String()
}

// peer is the address of the other end of the connection, "" when it has none.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err == nil {
		return host
	}
	if net.ParseIP(r.RemoteAddr) != nil {
		return r.RemoteAddr
	}
	return ""
}

// FromTrusted reports whether a request's peer is a trusted proxy.
func (x *Finder) FromTrusted(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr := plainAddr(peer.Addr())
	return slices.ContainsFunc(x.trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func (x *Finder) trusts(a netip.Addr, probe bool) (trusted bool) {
	for i, p := range x.trusted {
		if !p.Contains(a) {
			continue
		}
		trusted = true
		if !probe && !x.seen[i].Load() { // no write once it is set: cores would contend for it
			x.seen[i].Store(true)
		}
	}
	return trusted
}

// ProxiesSeen calls yield for each of TRUSTED_PROXIES, with whether a request has
// come over it. Health checks do not count.
func (x *Finder) ProxiesSeen(yield func(network netip.Prefix, seen bool)) {
	for i, p := range x.trusted {
		yield(p, x.seen[i].Load())
	}
}

// ForwardedByOthers counts the requests with X-Forwarded-For that came from an
// address that is not trusted. Clients can write the header, too.
func (x *Finder) ForwardedByOthers() int { return int(x.others.Load()) }

// lastEntries gives the entries of a list header from the last to the first,
// without the empty ones (RFC 9110 §5.6.1.2). A quotation mark of a client must
// not swallow what a proxy has appended, so commas always end an entry.
func lastEntries(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		left := maxForwardedHops
		for _, line := range slices.Backward(lines) {
			for more := true; more; left-- {
				if left == 0 {
					return
				}
				entry := line
				if comma := strings.LastIndexByte(line, ','); comma >= 0 {
					entry, line = line[comma+1:], line[:comma]
				} else {
					more = false
				}
				if entry = strings.Trim(entry, " \t"); entry != "" && !yield(entry) {
					return
				}
			}
		}
	}
}

// forwardedAddr reads an entry as proxies write it: with a port, in brackets, in
// quotation marks, with a zone, as IPv6 that stands for IPv4, with zeros in
// front, and as an element of Forwarded (RFC 7239).
func forwardedAddr(entry string) (netip.Addr, bool) {
	for part := range strings.SplitSeq(entry, ";") {
		if name, value, found := strings.Cut(part, "="); found && strings.EqualFold(strings.TrimSpace(name), "for") {
			entry = value
			break
		}
	}
	entry = strings.TrimSpace(entry)
	if inner, ok := enclosed(entry, `"`, `"`); ok {
		entry = strings.TrimSpace(inner)
	}
	if a, ok := bareAddr(entry); ok {
		return a, true
	}
	colon := strings.LastIndexByte(entry, ':')
	if colon < 0 {
		return netip.Addr{}, false
	}
	if _, err := strconv.ParseUint(entry[colon+1:], 10, 16); err != nil {
		return netip.Addr{}, false
	}
	return bareAddr(entry[:colon])
}

func bareAddr(s string) (netip.Addr, bool) {
	if inner, ok := enclosed(s, "[", "]"); ok {
		s = inner
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		a, err = netip.ParseAddr(withoutLeadingZeros(s))
	}
	return plainAddr(a), err == nil
}

// withoutLeadingZeros makes 203.0.113.7 of 203.000.113.007. C reads such numbers
// as octal; programs that print them mean decimal ones.
func withoutLeadingZeros(s string) string {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return s
	}
	for i, part := range parts {
		if n := strings.TrimLeft(part, "0"); n != "" && len(part) <= 3 {
			parts[i] = n
		} else if part != "" && len(part) <= 3 {
			parts[i] = "0"
		}
	}
	return strings.Join(parts, ".")
}

func enclosed(s, open, end string) (inner string, ok bool) {
	if len(s) < len(open)+len(end) || !strings.HasPrefix(s, open) || !strings.HasSuffix(s, end) {
		return s, false
	}
	return s[len(open) : len(s)-len(end)], true
}

// plainAddr is the spelling by which limits and lists of networks compare addresses.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func unreadableKind(entry string) int {
	switch {
	case strings.EqualFold(entry, "unknown"):
		return unreadableUnknown
	case strings.HasPrefix(entry, "_"):
		return unreadableObfuscated
	}
	return unreadableOther
}

func (x *Finder) sayUnreadable(kind int, proxy netip.Addr, entry string) {
	x.said[kind].Do(func() {
		x.log.Warn("a trusted proxy does not say its client's address in X-Forwarded-For: requests count as the proxy's own, for limits too; "+
			"have it append the address that it was asked from (this is logged once)",
			"proxy", proxy.String(), "sent", unreadableKinds[kind], "entry", printable(entry))
	})
}

// printable makes a client's text safe to repeat in a log line.
func printable(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
