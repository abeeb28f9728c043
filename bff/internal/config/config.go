// Package config turns the environment into a Config, once, and complains
// once: every mistake is in one error, each with its mend.
package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// Config is the effective configuration. The zero value is not useful; see Load.
type Config struct {
	// Embedded: neither MySQL nor Redis; users in SQLite and sessions in
	// files, both in DataDir.
	Embedded bool

	ListenAddr string
	OpsAddr    string // "" when off
	PublicURL  *url.URL

	MySQLDSN            Secret
	MySQLMaxConnections int // of one instance
	MySQLTLS            TLSFiles
	RedisURL            Secret
	RedisTLS            TLSFiles
	DataDir             string

	// The first of each list signs, all verify. Empty in embedded mode means:
	// generate and keep in DataDir.
	AccessSecrets  []Secret
	RefreshSecrets []Secret
	IdentityKey    Secret // PEM

	AccessTTL     time.Duration
	RefreshTTL    time.Duration
	RememberTTL   time.Duration
	SessionMaxAge time.Duration
	BcryptCost    int
	SignupOpen    bool

	RoutesFile     string
	TrustedProxies []netip.Prefix
	SPADevURL      *url.URL // nil when unset
	SPADir         string

	SMTPURL  Secret
	MailFrom string

	AuditRetention     time.Duration // 0: events are kept for ever
	AuditRedactDeleted bool

	LogLevel        slog.Level
	LogFormat       string // "text", "json" or "" (decide by the terminal)
	ShutdownTimeout time.Duration
	// IdleTimeout is how long a connection may be silent between requests.
	IdleTimeout time.Duration

	Traces Traces

	// written gives a setting as the operator wrote it. A function, because a
	// field that is not exported is printed without its Format.
	written func(name string) string
}

// Changed names the settings that two readings of one environment differ in, in
// the order of Variables.
func Changed(before, after *Config) []string {
	names := []string{} // never nil: JSON would say null
	for _, v := range Variables() {
		if before.written(v.Name) != after.written(v.Name) {
			names = append(names, v.Name)
		}
	}
	return names
}

// TLSFiles are paths of PEM files for the connections to a store: an authority,
// and a client's certificate with its key.
type TLSFiles struct{ CA, Cert, Key string }

// Secure reports whether browsers come by https, which decides the cookies'
// names and flags. It never depends on a request.
func (c *Config) Secure() bool { return c.PublicURL.Scheme == "https" }

// Secret is a value that must not be seen: it prints and marshals as
// "[redacted]". Reveal is the only way to it.
type Secret string

// Reveal gives the value.
func (s Secret) Reveal() string { return string(s) }

const redacted = "[redacted]"

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter: every verb, wrong ones included. Without it
// fmt answers a %d with the value in its complaint.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
