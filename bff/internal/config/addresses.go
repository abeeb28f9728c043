package config

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
)

func (v *variables) addresses(c *Config, mistakes *problems) {
	port, err := portOf(c.ListenAddr)
	if err != nil {
		mistakes.addf("LISTEN_ADDR %q is not an address; write host:port or :port", c.ListenAddr)
		port = "8080"
	}
	if c.OpsAddr == "off" {
		c.OpsAddr = ""
	} else if _, err := portOf(c.OpsAddr); err != nil {
		mistakes.addf("OPS_ADDR %q is not an address; write host:port, or off", c.OpsAddr)
	}
	public := v.PublicURL
	if public == "" {
		public = "http://localhost:" + port
	}
	if c.PublicURL, err = parseOrigin(public); err != nil {
		mistakes.addf("PUBLIC_URL %q: %v", public, err)
		c.PublicURL = &url.URL{Scheme: "http", Host: "localhost"}
	}
	if v.SPADevURL != "" {
		if c.SPADevURL, err = parseOrigin(v.SPADevURL); err != nil {
			mistakes.addf("SPA_DEV_URL %q: %v", v.SPADevURL, err)
		} else if !isLocal(c.PublicURL) {
			mistakes.addf("SPA_DEV_URL is for development: it is refused while PUBLIC_URL is %s", c.PublicURL)
		}
		if v.SPADir != "" {
			mistakes.addf("SPA_DEV_URL and SPA_DIR are both set; keep one of them")
		}
	}
	for _, s := range v.TrustedProxies {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(s))
		if err != nil {
			mistakes.addf("TRUSTED_PROXIES %q is not a CIDR; write 10.0.0.0/8, or 10.1.2.3/32 for one address", s)
			continue
		}
		if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96) // addresses are compared in this form
		}
		c.TrustedProxies = append(c.TrustedProxies, prefix.Masked())
	}
	if v.SPADir != "" {
		if _, err := os.Stat(v.SPADir + "/index.html"); err != nil {
			mistakes.addf("SPA_DIR: %v; build the app first", err)
		}
	}
}

// portOf refuses service names, which net.Listen knows: PUBLIC_URL needs a number.
func portOf(addr string) (string, error) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return port, err
}

// isLocal reports whether u stays on this machine, where http and embedded mode are
// allowed.
func isLocal(u *url.URL) bool {
	switch u.Hostname() {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	return false
}
