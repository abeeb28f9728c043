package config_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// variableTest has accepted and refused values of one variable; base is the
// environment around it.
type variableTest struct {
	base environment
	read func(*config.Config) any
	yes  map[string]any    // value → result of read; "" is the default
	no   map[string]string // value → part of the error
}

func variableTests(t *testing.T) map[string]variableTest {
	embedded, dir := environment{}, appFolder(t)
	duration := func(read func(*config.Config) any, unset time.Duration) variableTest {
		const least = time.Second
		return variableTest{
			base: embedded, read: read,
			yes: map[string]any{"": unset, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, least.String(): least},
			no: map[string]string{
				"0": "0s; at least", "-1h": "at least", (least - time.Millisecond).String(): "at least " + least.String(),
				"15": "write a duration", "soon": `is "soon"; write a duration`, "7d": "write a duration", "1e9h": "write a duration",
			},
		}
	}
	secret := func(read func(*config.Config) []config.Secret) variableTest {
		revealed := func(c *config.Config) any {
			var out []string
			for _, s := range read(c) {
				out = append(out, s.Reveal())
			}
			return out
		}
		return variableTest{base: embedded, read: revealed,
			yes: map[string]any{
				"": []string(nil), olderCanary: []string{olderCanary},
				olderCanary + "," + identityCanary[28:] + "AbCdEfGh1234": []string{olderCanary, identityCanary[28:] + "AbCdEfGh1234"},
			},
			no: map[string]string{
				olderCanary[:31]: "31 bytes", olderCanary + ",": "0 bytes", olderCanary + ", " + accessCanary[:20] + refreshCanary[20:]: "white space",
				strings.Repeat("a", 64): "placeholder",
			}}
	}
	origin := func(c *config.Config) any { return c.PublicURL.String() }
	return map[string]variableTest{
		"LISTEN_ADDR": {embedded, func(c *config.Config) any { return c.ListenAddr },
			map[string]any{"": "127.0.0.1:8080", ":9000": ":9000", "[::1]:9000": "[::1]:9000", "127.0.0.1:0": "127.0.0.1:0"},
			map[string]string{"8080": "LISTEN_ADDR", "localhost": "not an address", ":http": "not an address", ":65536": "not an address", "a:b:c": "not an address", "::1:80": "not an address"}},
		"OPS_ADDR": {embedded, func(c *config.Config) any { return c.OpsAddr },
			map[string]any{"": "127.0.0.1:9090", "off": "", ":9091": ":9091"},
			map[string]string{"OFF": "or off", "9090": "not an address", ":-1": "not an address"}},
		"PUBLIC_URL": {production(), origin,
			map[string]any{"https://x.example": "https://x.example", "https://x.example:8443": "https://x.example:8443"},
			map[string]string{"http://x.example": "must be https", "x.example": "must start with https", "ftp://x.example": "must start with https", "https://": "has no host"}},
		"MYSQL_DSN": {production(), func(c *config.Config) any { return c.MySQLDSN.Reveal() },
			map[string]any{dsnCanary: dsnCanary}, map[string]string{"": "MYSQL_DSN is missing"}},
		"MYSQL_MAX_CONNECTIONS": {embedded, func(c *config.Config) any { return c.MySQLMaxConnections },
			map[string]any{"": 25, "2": 2, "500": 500},
			map[string]string{"1": "choose 2 to", "0": "choose 2 to", "-5": "choose 2 to", "100001": "choose 2 to", "many": "write a whole number"}},
		"AUDIT_RETENTION": {embedded, func(c *config.Config) any { return c.AuditRetention },
			map[string]any{"": time.Duration(0), "8760h": 8760 * time.Hour, "1s": time.Second},
			map[string]string{"-1h": "at least 1s", "10ms": "at least 1s", "1y": "write a duration", "365": "write a duration"}},
		"AUDIT_REDACT_DELETED": {embedded, func(c *config.Config) any { return c.AuditRedactDeleted },
			map[string]any{"": false, "off": false, "on": true}, map[string]string{"true": "on or off", "On": "on or off"}},
		"REDIS_URL": {production(), func(c *config.Config) any { return c.RedisURL.Reveal() },
			map[string]any{redisCanary: redisCanary}, map[string]string{"": "REDIS_URL is missing"}},
		"MYSQL_TLS_CA":   {production(), func(c *config.Config) any { return c.MySQLTLS.CA }, map[string]any{"": "", "/tls/x.pem": "/tls/x.pem"}, nil},
		"MYSQL_TLS_CERT": {production(), func(c *config.Config) any { return c.MySQLTLS.Cert }, map[string]any{"": "", "/tls/x.pem": "/tls/x.pem"}, nil},
		"MYSQL_TLS_KEY":  {production(), func(c *config.Config) any { return c.MySQLTLS.Key }, map[string]any{"": "", "/tls/x.pem": "/tls/x.pem"}, nil},
		"REDIS_TLS_CA":   {production(), func(c *config.Config) any { return c.RedisTLS.CA }, map[string]any{"": "", "/tls/x.pem": "/tls/x.pem"}, nil},
		"REDIS_TLS_CERT": {production(), func(c *config.Config) any { return c.RedisTLS.Cert }, map[string]any{"": "", "/tls/x.pem": "/tls/x.pem"}, nil},
		"REDIS_TLS_KEY":  {production(), func(c *config.Config) any { return c.RedisTLS.Key }, map[string]any{"": "", "/tls/x.pem": "/tls/x.pem"}, nil},
		"DATA_DIR": {embedded, func(c *config.Config) any { return c.DataDir },
			map[string]any{"": "./data", "/var/lib/gatehouse": "/var/lib/gatehouse"}, nil},
		"JWT_ACCESS_SECRET":  secret(func(c *config.Config) []config.Secret { return c.AccessSecrets }),
		"JWT_REFRESH_SECRET": secret(func(c *config.Config) []config.Secret { return c.RefreshSecrets }),
		"IDENTITY_KEY": {production(), func(c *config.Config) any { return c.IdentityKey.Reveal() },
			map[string]any{identityCanary: identityCanary}, map[string]string{"": "IDENTITY_KEY is missing"}},
		"ACCESS_TTL":       duration(func(c *config.Config) any { return c.AccessTTL }, 15*time.Minute),
		"REFRESH_TTL":      duration(func(c *config.Config) any { return c.RefreshTTL }, 7*24*time.Hour),
		"REMEMBER_TTL":     duration(func(c *config.Config) any { return c.RememberTTL }, 30*24*time.Hour),
		"SESSION_MAX_AGE":  duration(func(c *config.Config) any { return c.SessionMaxAge }, 90*24*time.Hour),
		"SHUTDOWN_TIMEOUT": duration(func(c *config.Config) any { return c.ShutdownTimeout }, 20*time.Second),
		"IDLE_TIMEOUT":     duration(func(c *config.Config) any { return c.IdleTimeout }, 11*time.Minute),
		"BCRYPT_COST": {embedded, func(c *config.Config) any { return c.BcryptCost },
			map[string]any{"": 12, "12": 12, "16": 16},
			map[string]string{"11": "12 to 16", "17": "12 to 16", "0": "12 to 16", "-12": "12 to 16", "twelve": `is "twelve"; write a whole number`, "12.5": "write a whole number"}},
		"ROUTES_FILE": {embedded, func(c *config.Config) any { return c.RoutesFile },
			map[string]any{"": "", "routes.yaml": "routes.yaml"}, nil},
		"TRUSTED_PROXIES": {embedded, func(c *config.Config) any { return fmt.Sprint(c.TrustedProxies) },
			map[string]any{
				"": "[]", "10.0.0.0/8": "[10.0.0.0/8]", "10.1.2.3/8": "[10.0.0.0/8]", "10.0.0.0/8, fd00::/8": "[10.0.0.0/8 fd00::/8]",
				"192.0.2.1/32": "[192.0.2.1/32]", "::ffff:10.1.2.3/104": "[10.0.0.0/8]", "::ffff:0:0/95": "[::fffe:0:0/95]",
			},
			map[string]string{"10.0.0.1": "is not a CIDR", "10.0.0.0/33": "is not a CIDR", "10.0.0.0/8,": "is not a CIDR", "caddy": `"caddy" is not a CIDR`, "*": "is not a CIDR"}},
		"SPA_DEV_URL": {embedded, func(c *config.Config) any { return fmt.Sprint(c.SPADevURL) },
			map[string]any{"": "<nil>", "http://localhost:5173/": "http://localhost:5173"},
			map[string]string{"localhost:5173": "SPA_DEV_URL", "http://localhost:5173/app": "must be an origin"}},
		"SPA_DIR": {embedded, func(c *config.Config) any { return c.SPADir },
			map[string]any{"": "", dir: dir}, map[string]string{dir + "/nowhere": "build the app first", t.TempDir(): "index.html"}},
		"SMTP_URL": {environment{"MAIL_FROM": "gatehouse@example.com"}, func(c *config.Config) any { return c.SMTPURL.Reveal() },
			map[string]any{"smtp://localhost": "smtp://localhost"}, map[string]string{"": "SMTP_URL and MAIL_FROM go together"}},
		"MAIL_FROM": {environment{"SMTP_URL": "smtp://localhost"}, func(c *config.Config) any { return c.MailFrom },
			map[string]any{"gatehouse@example.com": "gatehouse@example.com"}, map[string]string{"": "SMTP_URL and MAIL_FROM go together"}},
		"SIGNUP": {embedded, func(c *config.Config) any { return c.SignupOpen },
			map[string]any{"": true, "open": true, "closed": false}, map[string]string{"Open": "open or closed", "false": "open or closed"}},
		"LOG_LEVEL": {embedded, func(c *config.Config) any { return c.LogLevel },
			map[string]any{"": slog.LevelInfo, "debug": slog.LevelDebug, "WARN": slog.LevelWarn, "error": slog.LevelError},
			map[string]string{"verbose": "debug, info, warn or error", "4": "debug, info, warn or error"}},
		"LOG_FORMAT": {embedded, func(c *config.Config) any { return c.LogFormat },
			map[string]any{"": "", "text": "text", "json": "json"}, map[string]string{"JSON": "text or json", "logfmt": "text or json"}},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {embedded, func(c *config.Config) any { return c.Traces.Endpoint },
			map[string]any{"": "", "http://localhost:4318": "http://localhost:4318", "https://traces.example/otlp/": "https://traces.example/otlp/"},
			map[string]string{"collector:4318": "is not the URL", "grpc://collector:4317": "is not the URL", "http://": "is not the URL",
				"https://me:canary@traces.example": "holds credentials", "http://traces.example?key=canary": "neither a query"}},
		"OTEL_EXPORTER_OTLP_HEADERS": {embedded, func(c *config.Config) any { return c.Traces.Headers["api-key"].Reveal() },
			map[string]any{"": "", "api-key=a%20b": "a b", "x=1, api-key=secret==": "secret=="},
			map[string]string{"api-key": "is not a list", "=x": "is not a list", "api-key=%zz": "is not a list", "api-key=x,": "is not a list"}},
		"OTEL_SERVICE_NAME": {embedded, func(c *config.Config) any { return c.Traces.Service },
			map[string]any{"": "gatehouse", "shop": "shop"}, nil},
		"OTEL_RESOURCE_ATTRIBUTES": {embedded, func(c *config.Config) any { return c.Traces.Attributes["cloud.region"] },
			map[string]any{"": "", "cloud.region=eu": "eu"}, map[string]string{"eu": "is not a list"}},
		"OTEL_TRACES_SAMPLER": {embedded, func(c *config.Config) any { return c.Traces.Sampler },
			map[string]any{"": "parentbased_always_on", "always_off": "always_off", "traceidratio": "traceidratio"},
			map[string]string{"jaeger_remote": "choose one of", "On": "choose one of"}},
		"OTEL_TRACES_SAMPLER_ARG": {embedded, func(c *config.Config) any { return c.Traces.Ratio },
			map[string]any{"": 1.0, "0": 0.0, "0.25": 0.25, "1": 1.0}, map[string]string{"1.1": "from 0 to 1", "-0.1": "from 0 to 1", "all": "from 0 to 1", "NaN": "from 0 to 1"}},
	}
}

func TestEveryVariableAcceptsAndRefuses(t *testing.T) {
	t.Parallel()
	tests := variableTests(t)
	for _, v := range config.Variables() {
		test, ok := tests[v.Name]
		if !ok {
			t.Errorf("%s has no test", v.Name)
			continue
		}
		delete(tests, v.Name)
		for value, want := range test.yes {
			c, err := config.Load(test.base.with(environment{v.Name: value}).get)
			if err != nil {
				t.Errorf("%s=%q: %v", v.Name, value, err)
				continue
			}
			if diff := cmp.Diff(want, test.read(c)); diff != "" {
				t.Errorf("%s=%q (-want +got):\n%s", v.Name, value, diff)
			}
		}
		for value, want := range test.no {
			e := test.base.with(environment{v.Name: value})
			onlyMistake(t, v.Name+"="+value, e, want)
			if got := mistakes(t, e); len(got) > 0 && !strings.Contains(got[0], v.Name) {
				t.Errorf("%s=%q: the error does not name the variable: %s", v.Name, value, got[0])
			}
		}
	}
	for name := range tests {
		t.Errorf("%s is tested and does not exist", name)
	}
}

func TestDefaultsThatDependOnOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		env            environment
		listen, public string
	}{
		{"embedded", environment{}, "127.0.0.1:8080", "http://localhost:8080"},
		{"embedded, another port", environment{"LISTEN_ADDR": ":3000"}, ":3000", "http://localhost:3000"},
		{"embedded, port 80", environment{"LISTEN_ADDR": ":80"}, ":80", "http://localhost"},
		{"embedded, its own URL", environment{"PUBLIC_URL": "http://127.0.0.1:5000"}, "127.0.0.1:8080", "http://127.0.0.1:5000"},
		{"services on localhost", production().with(environment{"PUBLIC_URL": ""}), ":8080", "http://localhost:8080"},
		{"production", production(), ":8080", "https://app.example.com"},
	} {
		got := load(t, c.env)
		if got.ListenAddr != c.listen || got.PublicURL.String() != c.public {
			t.Errorf("%s: %s %s, want %s %s", c.name, got.ListenAddr, got.PublicURL, c.listen, c.public)
		}
		if got.Secure() != strings.HasPrefix(c.public, "https:") {
			t.Errorf("%s: Secure is %v", c.name, got.Secure())
		}
	}
}

// PUBLIC_URL is compared with the Origin header of browsers.
func TestPublicURLHasTheFormOfOrigin(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"https://app.example.com":        "https://app.example.com",
		"https://app.example.com/":       "https://app.example.com",
		"HTTPS://App.Example.COM":        "https://app.example.com",
		"https://app.example.com:443":    "https://app.example.com",
		"https://app.example.com:443/":   "https://app.example.com",
		"https://app.example.com:":       "https://app.example.com",
		"https://app.example.com:80":     "https://app.example.com:80",
		"https://app.example.com:8443":   "https://app.example.com:8443",
		"https://[2001:DB8::1]:443":      "https://[2001:db8::1]",
		"http://localhost:80":            "http://localhost",
		"http://LOCALHOST:8080/":         "http://localhost:8080",
		"http://127.0.0.1:443":           "http://127.0.0.1:443",
		"http://[::1]:8080":              "http://[::1]:8080",
		"https://localhost:8443":         "https://localhost:8443",
		"https://xn--bcher-kva.example/": "https://xn--bcher-kva.example",
		"https://app.example.com:0443":   "https://app.example.com",
		"http://localhost:08080":         "http://localhost:8080",
		"http://[0:0:0:0:0:0:0:1]:8080":  "http://[::1]:8080",
		"https://192.0.2.1":              "https://192.0.2.1",
		"https://my_app.example.com":     "https://my_app.example.com",
	} {
		if got := load(t, production().with(environment{"PUBLIC_URL": value})).PublicURL.String(); got != want {
			t.Errorf("%s becomes %s, want %s", value, got, want)
		}
	}
	for value, want := range map[string]string{
		"https://app.example.com/app":    "no path, query or user",
		"https://app.example.com//":      "no path, query or user",
		"https://app.example.com?x=1":    "no path, query or user",
		"https://app.example.com#x":      "no path, query or user",
		"https://me@app.example.com":     "no path, query or user",
		"https://me:pw@app.example.com":  "no path, query or user",
		"https:app.example.com":          "has no host",
		"https://:443":                   "has no host",
		"https://app.example.com:http":   "is not a URL",
		"https://app.example.com:65536":  "above 65535",
		"https://bücher.example":         "xn--",
		"//app.example.com":              "must start with https",
		"app.example.com:443":            "must start with https",
		"javascript://app.example.com":   "must start with https",
		" https://app.example.com":       "is not a URL",
		"https://app.example.com\n":      "is not a URL",
		"https://a.example https://b.ex": "is not a URL",
		"https://app.example.com.":       "ends in a dot",
		"https://app.example.com.:8443":  "ends in a dot",
		"https://localhost.":             "ends in a dot",
		"http://localhost.:8080":         "ends in a dot",
		"http://127.0.0.1.:8080":         "ends in a dot",
		"https://.":                      "ends in a dot",
		"https://app.example.com/?":      "no path, query or user",
		"https://app.example.com?":       "no path, query or user",
		"https://app.example.com/#":      "no path, query or user",
		"https://@app.example.com":       "no path, query or user",
		"https://.example.com":           "not a name",
		"https://app..example.com":       "not a name",
		"https://*.example.com":          "not a name",
		"https://a.example,b.example":    "not a name",
		"https://\u212aelvin.example":    "xn--",
		"http://127.1:8080":              "four numbers",
		"http://2130706433:8080":         "four numbers",
		"http://0x7f.0.0.1:8080":         "four numbers",
		"http://0x7f000001:8080":         "four numbers",
		"https://127.000.000.001":        "four numbers",
		"https://[fe80::1%25eth0]":       "zone",
		"https://[::ffff:192.0.2.1]":     "write 192.0.2.1",
		"https://[192.0.2.1]":            "is not a URL",
	} {
		onlyMistake(t, value, production().with(environment{"PUBLIC_URL": value}), want)
	}
}

func TestLoadReportsAllMistakes(t *testing.T) {
	t.Parallel()
	got := strings.Join(mistakes(t, environment{
		"LISTEN_ADDR": "8080", "OPS_ADDR": "nine", "PUBLIC_URL": "http://app.example.com", "MYSQL_DSN": "",
		"REDIS_URL": redisCanary, "JWT_ACCESS_SECRET": "short", "JWT_REFRESH_SECRET": "short", "ACCESS_TTL": "soon", "REFRESH_TTL": "later",
		"REMEMBER_TTL": "0s", "BCRYPT_COST": "4", "TRUSTED_PROXIES": "caddy,envoy", "SPA_DEV_URL": "localhost", "SPA_DIR": "/nowhere",
		"SIGNUP": "maybe", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml", "SHUTDOWN_TIMEOUT": "0s", "IDLE_TIMEOUT": "999ms", "SESSION_MAX_AGE": "forever",
		"DATA_DIR": "x", "DATA_DIR_FILE": "y", "ROUTES_FILE_FILE": "/nowhere/routes",
	}), "\n")
	for _, want := range []string{
		`LISTEN_ADDR "8080"`, `OPS_ADDR "nine"`, "PUBLIC_URL is http://app.example.com; anything but localhost must be https",
		"MYSQL_DSN is missing", "JWT_ACCESS_SECRET has a value of 5 bytes", "JWT_REFRESH_SECRET has a value of 5 bytes", "share a value",
		"IDENTITY_KEY is missing", `ACCESS_TTL is "soon"`, `REFRESH_TTL is "later"`, "REMEMBER_TTL is 0s", "BCRYPT_COST is 4", `TRUSTED_PROXIES "caddy"`,
		`TRUSTED_PROXIES "envoy"`, `SPA_DEV_URL "localhost"`, "SPA_DEV_URL and SPA_DIR are both set", "SPA_DIR: stat", `SIGNUP is "maybe"`,
		`LOG_LEVEL is "loud"`, `LOG_FORMAT is "xml"`, "SHUTDOWN_TIMEOUT is 0s", "IDLE_TIMEOUT is 999ms", `SESSION_MAX_AGE is "forever"`,
		"DATA_DIR and DATA_DIR_FILE are both set", "ROUTES_FILE_FILE: open /nowhere/routes",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}
