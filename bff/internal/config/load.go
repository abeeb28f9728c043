package config

import (
	"log/slog"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// variables is the environment as the operator writes it; reference.md has a row
// for each. Load fills in defaults that depend on other variables.
type variables struct {
	ListenAddr       string        `env:"LISTEN_ADDR"`
	OpsAddr          string        `env:"OPS_ADDR" envDefault:"127.0.0.1:9090"`
	PublicURL        string        `env:"PUBLIC_URL"`
	MySQLDSN         string        `env:"MYSQL_DSN"`
	MySQLConnections int           `env:"MYSQL_MAX_CONNECTIONS" envDefault:"25"`
	MySQLTLSCA       string        `env:"MYSQL_TLS_CA"`
	MySQLTLSCert     string        `env:"MYSQL_TLS_CERT"`
	MySQLTLSKey      string        `env:"MYSQL_TLS_KEY"`
	RedisURL         string        `env:"REDIS_URL"`
	RedisTLSCA       string        `env:"REDIS_TLS_CA"`
	RedisTLSCert     string        `env:"REDIS_TLS_CERT"`
	RedisTLSKey      string        `env:"REDIS_TLS_KEY"`
	DataDir          string        `env:"DATA_DIR" envDefault:"./data"`
	JWTAccessSecret  string        `env:"JWT_ACCESS_SECRET"`
	JWTRefreshSecret string        `env:"JWT_REFRESH_SECRET"`
	IdentityKey      string        `env:"IDENTITY_KEY"`
	AccessTTL        time.Duration `env:"ACCESS_TTL" envDefault:"15m"`
	RefreshTTL       time.Duration `env:"REFRESH_TTL" envDefault:"168h"`
	RememberTTL      time.Duration `env:"REMEMBER_TTL" envDefault:"720h"`
	SessionMaxAge    time.Duration `env:"SESSION_MAX_AGE" envDefault:"2160h"`
	BcryptCost       int           `env:"BCRYPT_COST" envDefault:"12"`
	RoutesFile       string        `env:"ROUTES_FILE"`
	TrustedProxies   []string      `env:"TRUSTED_PROXIES"`
	SPADevURL        string        `env:"SPA_DEV_URL"`
	SPADir           string        `env:"SPA_DIR"`
	SMTPURL          string        `env:"SMTP_URL"`
	MailFrom         string        `env:"MAIL_FROM"`
	Signup           string        `env:"SIGNUP" envDefault:"open"`
	AuditRetention   time.Duration `env:"AUDIT_RETENTION"`
	AuditRedact      string        `env:"AUDIT_REDACT_DELETED" envDefault:"off"`
	LogLevel         string        `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat        string        `env:"LOG_FORMAT"`
	ShutdownTimeout  time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"20s"`
	IdleTimeout      time.Duration `env:"IDLE_TIMEOUT" envDefault:"11m"`

	OTLPEndpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTLPHeaders        string `env:"OTEL_EXPORTER_OTLP_HEADERS"`
	ServiceName        string `env:"OTEL_SERVICE_NAME" envDefault:"gatehouse"`
	ResourceAttributes string `env:"OTEL_RESOURCE_ATTRIBUTES"`
	TracesSampler      string `env:"OTEL_TRACES_SAMPLER" envDefault:"parentbased_always_on"`
	TracesSamplerArg   string `env:"OTEL_TRACES_SAMPLER_ARG"`
}

// Variable is a setting with its default, a row of reference.md.
type Variable struct{ Name, Default string }

// Variables lists all settings, in the order of reference.md.
func Variables() []Variable {
	params, err := env.GetFieldParams(&variables{})
	if err != nil {
		panic(err) // the struct above is wrong
	}
	out := make([]Variable, 0, len(params))
	for _, p := range params {
		out = append(out, Variable{Name: p.Key, Default: p.DefaultValue})
	}
	return out
}

// Load reads the configuration through getenv (os.Getenv in production). For
// a variable NAME that is empty, NAME_FILE may name a file that holds the
// value. The error joins all mistakes; the Config beside an error is for further
// checks only.
func Load(getenv func(string) string) (*Config, error) {
	var mistakes problems
	var v variables
	values := map[string]string{}
	for _, known := range Variables() {
		if value := readVariable(getenv, known.Name, &mistakes); value != "" {
			values[known.Name] = value
		}
	}
	if err := env.ParseWithOptions(&v, env.Options{Environment: values}); err != nil {
		mistakes.unreadable(err, values)
		// Unreadable values count as unset, so that each is reported once.
		v = variables{}
		if err := env.ParseWithOptions(&v, env.Options{Environment: values}); err != nil {
			mistakes.addf("%v", err)
		}
	}
	c := v.config(&mistakes)
	c.written = func(name string) string { return values[name] }
	c.otel(getenv, &mistakes)
	if len(mistakes) > 0 {
		return c, mistakes
	}
	return c, nil
}

// Value reads one setting again, as Load reads it.
func Value(getenv func(string) string, name string) (Secret, error) {
	var mistakes problems
	value := readVariable(getenv, name, &mistakes)
	if len(mistakes) > 0 {
		return "", mistakes
	}
	return Secret(value), nil
}

func readVariable(getenv func(string) string, name string, mistakes *problems) string {
	value, file := getenv(name), getenv(name+"_FILE")
	switch {
	case value != "" && file != "":
		mistakes.addf("%s and %s_FILE are both set; keep one of them", name, name)
	case file != "":
		content, err := textfile.Read(file)
		if err != nil {
			mistakes.addf("%s_FILE: %v", name, err)
			return ""
		}
		if value = strings.TrimRight(string(content), "\r\n"); value == "" {
			mistakes.addf("%s_FILE: %s is empty", name, file)
		}
	}
	return strings.TrimPrefix(value, byteOrderMark) // a shell's, that read the value from a file
}

// byteOrderMark can be in the middle of a value that was joined from two files, too.
const byteOrderMark = "\ufeff"

// config checks v and fills in defaults that depend on other variables.
func (v *variables) config(mistakes *problems) *Config {
	c := &Config{
		Embedded:   v.MySQLDSN == "" && v.RedisURL == "",
		ListenAddr: v.ListenAddr,
		OpsAddr:    v.OpsAddr,
		MySQLDSN:   Secret(v.MySQLDSN), MySQLMaxConnections: v.MySQLConnections,
		AuditRetention: v.AuditRetention,
		MySQLTLS:       TLSFiles{CA: v.MySQLTLSCA, Cert: v.MySQLTLSCert, Key: v.MySQLTLSKey},
		RedisURL:       Secret(v.RedisURL),
		RedisTLS:       TLSFiles{CA: v.RedisTLSCA, Cert: v.RedisTLSCert, Key: v.RedisTLSKey},
		DataDir:        v.DataDir,
		IdentityKey:    Secret(pemText(v.IdentityKey)),
		AccessTTL:      v.AccessTTL, RefreshTTL: v.RefreshTTL, RememberTTL: v.RememberTTL, SessionMaxAge: v.SessionMaxAge,
		BcryptCost: v.BcryptCost,
		RoutesFile: v.RoutesFile, SPADir: v.SPADir,
		SMTPURL: Secret(v.SMTPURL), MailFrom: v.MailFrom,
		LogFormat: v.LogFormat, ShutdownTimeout: v.ShutdownTimeout, IdleTimeout: v.IdleTimeout,
	}
	if c.ListenAddr == "" {
		c.ListenAddr = ":8080"
		if c.Embedded {
			c.ListenAddr = "127.0.0.1:8080"
		}
	}
	v.addresses(c, mistakes)
	v.lifetimes(mistakes)
	v.choices(c, mistakes)
	v.traces(c, mistakes)
	v.secrets(c, mistakes)
	v.mode(c, mistakes)
	return c
}

// pemText undoes the changes that .env files make to a key: \n for line breaks, and
// quotes that some readers keep.
func pemText(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.Trim(s, `"'`), `\n`, "\n"), byteOrderMark, "")
}

// Below 12 a stolen table is cracked too fast (OWASP asks for at least 10, on older
// machines); above 16 one sign-in uses a core for four seconds.
const (
	minBcryptCost = 12
	maxBcryptCost = 16
)

// With one connection every request would wait for the audit trail; no server
// accepts more than the upper bound (max_connections).
const (
	minMySQLConnections = 2
	maxMySQLConnections = 100_000
)

func (v *variables) lifetimes(mistakes *problems) {
	// An access token never outlives its session, whichever is set shorter, and
	// tokens have their times in whole seconds.
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"ACCESS_TTL", v.AccessTTL},
		{"REFRESH_TTL", v.RefreshTTL},
		{"REMEMBER_TTL", v.RememberTTL},
		{"SESSION_MAX_AGE", v.SessionMaxAge},
		{"SHUTDOWN_TIMEOUT", v.ShutdownTimeout},
		{"IDLE_TIMEOUT", v.IdleTimeout},
	} {
		if d.value < time.Second {
			mistakes.addf("%s is %s; at least 1s makes sense", d.name, d.value)
		}
	}
	if v.AuditRetention != 0 && v.AuditRetention < time.Second {
		mistakes.addf("AUDIT_RETENTION is %s; at least 1s makes sense, a year is 8760h, and without it events are kept for ever", v.AuditRetention)
	}
	if v.BcryptCost < minBcryptCost || v.BcryptCost > maxBcryptCost {
		mistakes.addf("BCRYPT_COST is %d; choose %d to %d", v.BcryptCost, minBcryptCost, maxBcryptCost)
	}
}

func (v *variables) choices(c *Config, mistakes *problems) {
	switch v.Signup {
	case "open", "closed":
		c.SignupOpen = v.Signup == "open"
	default:
		mistakes.addf("SIGNUP is %q; choose open or closed", v.Signup)
	}
	switch v.AuditRedact {
	case "on", "off":
		c.AuditRedactDeleted = v.AuditRedact == "on"
	default:
		mistakes.addf("AUDIT_REDACT_DELETED is %q; choose on or off", v.AuditRedact)
	}
	if v.MySQLConnections < minMySQLConnections || v.MySQLConnections > maxMySQLConnections {
		mistakes.addf("MYSQL_MAX_CONNECTIONS is %d; choose %d to %d", v.MySQLConnections, minMySQLConnections, maxMySQLConnections)
	}
	if err := c.LogLevel.UnmarshalText([]byte(v.LogLevel)); err != nil {
		c.LogLevel = slog.LevelInfo
		mistakes.addf("LOG_LEVEL is %q; choose debug, info, warn or error", v.LogLevel)
	}
	if (v.SMTPURL == "") != (v.MailFrom == "") {
		mistakes.addf("SMTP_URL and MAIL_FROM go together; set both, or none to send no mail")
	}
	switch v.LogFormat {
	case "", "text", "json":
	default:
		mistakes.addf("LOG_FORMAT is %q; choose text or json", v.LogFormat)
	}
}
