// Package config turns the environment into a Config, once. One error has all
// mistakes, each with its fix.
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

	// The first of each list signs, all verify. Empty lists in embedded mode are
	// generated and kept in DataDir.
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
	// IdleTimeout limits the silence of a connection between requests.
	IdleTimeout time.Duration

	Traces Traces

	// written returns a setting as the operator wrote it. It is a function because
	// fmt prints unexported fields without their Format method.
	written func(name string) string
}

// Changed lists the settings that differ between two readings of the environment,
// in the order of Variables.
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

// Secure reports whether browsers use https, which decides the cookies' names and
// flags. It never depends on a request.
func (c *Config) Secure() bool { return c.PublicURL.Scheme == "https" }

// Secret is a value that must not be shown: it prints and marshals as "[redacted]".
// Only Reveal returns the value.
type Secret string

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

const redacted = "[redacted]"

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter for every verb, wrong ones included. Without it
// the error that fmt prints for a %d has the value.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
