package config

import (
	"fmt"
	"io"
	"strings"
)

// Print writes the effective configuration as .env lines, secrets hidden.
func (c *Config) Print(w io.Writer) {
	mode := "MySQL and Redis"
	if c.Embedded {
		mode = "embedded: SQLite and a session journal in DATA_DIR"
	}
	fmt.Fprintf(w, "# mode: %s\n", mode)
	secrets := func(list []Secret) string {
		if len(list) == 0 {
			return "# generated, kept in DATA_DIR"
		}
		return strings.TrimSuffix(strings.Repeat(redacted+",", len(list)), ",")
	}
	identity := c.IdentityKey.String()
	if identity == "" {
		identity = "# generated, kept in DATA_DIR"
	}
	var proxies []string
	for _, p := range c.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	ops, signup, dev := c.OpsAddr, "closed", ""
	if ops == "" {
		ops = "off"
	}
	if c.SignupOpen {
		signup = "open"
	}
	retention, redact := "", "off"
	if c.AuditRetention > 0 {
		retention = c.AuditRetention.String()
	}
	if c.AuditRedactDeleted {
		redact = "on"
	}
	if c.SPADevURL != nil {
		dev = c.SPADevURL.String()
	}
	for _, line := range []struct {
		name  string
		value any
	}{
		{"LISTEN_ADDR", c.ListenAddr},
		{"OPS_ADDR", ops},
		{"PUBLIC_URL", c.PublicURL},
		{"MYSQL_DSN", c.MySQLDSN},
		{"MYSQL_MAX_CONNECTIONS", c.MySQLMaxConnections},
		{"MYSQL_TLS_CA", c.MySQLTLS.CA},
		{"MYSQL_TLS_CERT", c.MySQLTLS.Cert},
		{"MYSQL_TLS_KEY", c.MySQLTLS.Key},
		{"REDIS_URL", c.RedisURL},
		{"REDIS_TLS_CA", c.RedisTLS.CA},
		{"REDIS_TLS_CERT", c.RedisTLS.Cert},
		{"REDIS_TLS_KEY", c.RedisTLS.Key},
		{"DATA_DIR", c.DataDir},
		{"JWT_ACCESS_SECRET", secrets(c.AccessSecrets)},
		{"JWT_REFRESH_SECRET", secrets(c.RefreshSecrets)},
		{"IDENTITY_KEY", identity},
		{"ACCESS_TTL", c.AccessTTL},
		{"REFRESH_TTL", c.RefreshTTL},
		{"REMEMBER_TTL", c.RememberTTL},
		{"SESSION_MAX_AGE", c.SessionMaxAge},
		{"BCRYPT_COST", c.BcryptCost},
		{"ROUTES_FILE", c.RoutesFile},
		{"TRUSTED_PROXIES", strings.Join(proxies, ",")},
		{"SPA_DEV_URL", dev},
		{"SPA_DIR", c.SPADir},
		{"SMTP_URL", c.SMTPURL},
		{"MAIL_FROM", c.MailFrom},
		{"SIGNUP", signup},
		{"AUDIT_RETENTION", retention},
		{"AUDIT_REDACT_DELETED", redact},
		{"LOG_LEVEL", strings.ToLower(c.LogLevel.String())},
		{"LOG_FORMAT", c.LogFormat},
		{"SHUTDOWN_TIMEOUT", c.ShutdownTimeout},
		{"IDLE_TIMEOUT", c.IdleTimeout},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", c.Traces.Endpoint},
		{"OTEL_EXPORTER_OTLP_HEADERS", Secret(c.written("OTEL_EXPORTER_OTLP_HEADERS"))},
		{"OTEL_SERVICE_NAME", c.Traces.Service},
		{"OTEL_RESOURCE_ATTRIBUTES", c.written("OTEL_RESOURCE_ATTRIBUTES")},
		{"OTEL_TRACES_SAMPLER", c.Traces.Sampler},
		{"OTEL_TRACES_SAMPLER_ARG", c.written("OTEL_TRACES_SAMPLER_ARG")},
	} {
		fmt.Fprintf(w, "%s=%v\n", line.name, line.value)
	}
}
