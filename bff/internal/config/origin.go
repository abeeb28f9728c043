package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// parseOrigin accepts scheme://host[:port] only, and returns it in the form of a
// browser's Origin header: lower case, without the default port. A host that
// browsers write in another form is refused: it would match none of their requests.
func parseOrigin(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("is not a URL; write https://host or http://localhost:port")
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, errors.New("has a host that browsers write in ASCII; use that form (xn--…)")
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("must start with https:// (or http:// on localhost)")
	case u.Hostname() == "":
		return nil, errors.New("has no host")
	case u.User != nil, u.Path != "" && u.Path != "/", strings.ContainsAny(s, "?#"):
		return nil, errors.New("must be an origin: no path, query or user")
	}
	host, err := originHost(u.Hostname(), strings.HasPrefix(u.Host, "["))
	if err != nil {
		return nil, err
	}
	port, err := originPort(u.Scheme, u.Port())
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: u.Scheme, Host: host + port}, nil
}

func originHost(host string, bracketed bool) (string, error) {
	if bracketed {
		addr, err := netip.ParseAddr(host)
		switch {
		case err != nil: // url.Parse accepts nothing else
			return "", errors.New("has brackets around a host that is not an IPv6 address")
		case addr.Zone() != "":
			return "", errors.New("has an address with a zone, which browsers do not open")
		case addr.Is4In6():
			return "", errors.New("has an IPv4 address in the form of IPv6; write " + addr.Unmap().String())
		}
		return "[" + addr.String() + "]", nil
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case last == "":
		return "", errors.New("has a host that ends in a dot, which makes it another origin; leave the dot out")
	case strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.Contains(host, "..") || host[0] == '.' || len(host) > 253:
		return "", errors.New("has a host that is not a name")
	case strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"):
		// Browsers read it as an IPv4 address, and 127.1 as 127.0.0.1.
		if _, err := netip.ParseAddr(host); err != nil {
			return "", errors.New("has an IPv4 address that browsers write in another way; write four numbers such as 192.0.2.1")
		}
	}
	return host, nil
}

// originPort returns ":port", or "" for the default port.
func originPort(scheme, port string) (string, error) {
	if port == "" {
		return "", nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil:
		return "", errors.New("has a port above 65535")
	case scheme == "http" && n == 80 || scheme == "https" && n == 443:
		return "", nil
	}
	return ":" + strconv.FormatUint(n, 10), nil
}
