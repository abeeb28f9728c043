package config_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

func printed(t *testing.T, e environment) string {
	t.Helper()
	var out bytes.Buffer
	load(t, e).Print(&out)
	return out.String()
}

// envLines reads NAME=value lines.
func envLines(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			out[name] = value
		}
	}
	return out
}

func TestPrintShowsEverythingButSecrets(t *testing.T) {
	t.Parallel()
	out := printed(t, production().with(environment{
		"JWT_ACCESS_SECRET": accessCanary + "," + olderCanary, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=headerCanary",
		"SMTP_URL": "smtps://me:canaryMail@mail.example", "MAIL_FROM": "gatehouse@example.com",
		"MYSQL_TLS_CA": "/tls/mysql-ca.pem", "REDIS_TLS_CERT": "/tls/cert.pem", "REDIS_TLS_KEY": "/tls/key.pem",
	}))
	if strings.Contains(strings.ToLower(out), "canary") {
		t.Errorf("a secret is printed:\n%s", out)
	}
	want := map[string]string{
		"LISTEN_ADDR": ":8080", "OPS_ADDR": "127.0.0.1:9090", "PUBLIC_URL": "https://app.example.com",
		"MYSQL_DSN": "[redacted]", "REDIS_URL": "[redacted]", "DATA_DIR": "./data",
		"JWT_ACCESS_SECRET": "[redacted],[redacted]", "JWT_REFRESH_SECRET": "[redacted]", "IDENTITY_KEY": "[redacted]",
		"ACCESS_TTL": "15m0s", "REFRESH_TTL": "168h0m0s", "REMEMBER_TTL": "720h0m0s", "SESSION_MAX_AGE": "2160h0m0s", "BCRYPT_COST": "12",
		"ROUTES_FILE": "", "TRUSTED_PROXIES": "", "SPA_DEV_URL": "", "SPA_DIR": "", "SMTP_URL": "[redacted]", "MAIL_FROM": "gatehouse@example.com", "SIGNUP": "open", "LOG_LEVEL": "info", "LOG_FORMAT": "",
		"SHUTDOWN_TIMEOUT":      "20s",
		"IDLE_TIMEOUT":          "11m0s",
		"MYSQL_MAX_CONNECTIONS": "25", "AUDIT_RETENTION": "", "AUDIT_REDACT_DELETED": "off",
		"MYSQL_TLS_CA": "/tls/mysql-ca.pem", "MYSQL_TLS_CERT": "", "MYSQL_TLS_KEY": "", "REDIS_TLS_CA": "", "REDIS_TLS_CERT": "/tls/cert.pem", "REDIS_TLS_KEY": "/tls/key.pem",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_HEADERS": "[redacted]", "OTEL_SERVICE_NAME": "gatehouse", "OTEL_RESOURCE_ATTRIBUTES": "",
		"OTEL_TRACES_SAMPLER": "parentbased_always_on", "OTEL_TRACES_SAMPLER_ARG": "",
	}
	if diff := cmp.Diff(want, envLines(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(out, "# mode: MySQL and Redis\n") {
		t.Errorf("the mode is missing:\n%s", out)
	}
}

func TestPrintHasALineForEveryVariable(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]environment{"embedded": {}, "production": production()} {
		lines := envLines(printed(t, e))
		for _, v := range config.Variables() {
			if _, ok := lines[v.Name]; !ok {
				t.Errorf("%s: no line for %s", name, v.Name)
			}
			delete(lines, v.Name)
		}
		for extra := range lines {
			t.Errorf("%s: a line for %s, which is not a variable", name, extra)
		}
	}
}

func TestPrintOfEmbeddedMode(t *testing.T) {
	t.Parallel()
	dir := appFolder(t)
	out := printed(t, environment{
		"OPS_ADDR": "off", "SIGNUP": "closed", "LOG_LEVEL": "WARN", "LOG_FORMAT": "json", "TRUSTED_PROXIES": "10.9.9.9/8,::1/128", "SPA_DIR": dir,
		"AUDIT_RETENTION": "8760h", "AUDIT_REDACT_DELETED": "on", "MYSQL_MAX_CONNECTIONS": "40",
	})
	lines := envLines(out)
	for name, want := range map[string]string{
		"OPS_ADDR": "off", "SIGNUP": "closed", "LOG_LEVEL": "warn", "LOG_FORMAT": "json", "TRUSTED_PROXIES": "10.0.0.0/8,::1/128", "SPA_DIR": dir,
		"AUDIT_RETENTION": "8760h0m0s", "AUDIT_REDACT_DELETED": "on", "MYSQL_MAX_CONNECTIONS": "40",
		"MYSQL_DSN": "", "REDIS_URL": "", "LISTEN_ADDR": "127.0.0.1:8080", "PUBLIC_URL": "http://localhost:8080",
		"JWT_ACCESS_SECRET": "# generated, kept in DATA_DIR", "IDENTITY_KEY": "# generated, kept in DATA_DIR",
	} {
		if lines[name] != want {
			t.Errorf("%s=%s, want %s", name, lines[name], want)
		}
	}
	if !strings.HasPrefix(out, "# mode: embedded") {
		t.Errorf("the mode is missing:\n%s", out)
	}
	if got := envLines(printed(t, environment{"SPA_DEV_URL": "http://localhost:5173"}))["SPA_DEV_URL"]; got != "http://localhost:5173" {
		t.Errorf("SPA_DEV_URL=%s", got)
	}
}

// The output can be pasted into a .env file.
func TestPrintedValuesLoadAgain(t *testing.T) {
	t.Parallel()
	e := environment{"LISTEN_ADDR": ":9000", "ACCESS_TTL": "5m", "TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8", "LOG_LEVEL": "debug", "OPS_ADDR": "off",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example:4318", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=a%20b", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
	first := printed(t, e)
	again := environment{}
	for name, value := range envLines(first) {
		if !strings.HasPrefix(value, "#") {
			again[name] = value
		}
	}
	if diff := cmp.Diff(first, printed(t, again)); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
}

func readRoot(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	variableName = regexp.MustCompile("^[A-Z][A-Z0-9_]+$")
	inBackticks  = regexp.MustCompile("`([^`]*)`")
)

// tables returns all tables of a Markdown text, as rows of cells.
func tables(text string) (out [][][]string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		if !inside {
			out, inside = append(out, nil), true
		}
		cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00"), "|")
		out[len(out)-1] = append(out[len(out)-1], cells)
	}
	return out
}

func codes(cell string) (out []string) {
	for _, m := range inBackticks.FindAllStringSubmatch(cell, -1) {
		out = append(out, strings.ReplaceAll(m[1], "\x00", "|"))
	}
	return out
}

// A table with a row for LISTEN_ADDR lists environment variables. A row may hold
// several names with as many defaults. The text of a default that depends on other
// variables is not checked.
func TestReferenceDocumentsEveryVariable(t *testing.T) {
	t.Parallel()
	defaults := map[string]string{}
	for _, v := range config.Variables() {
		defaults[v.Name] = v.Default
	}
	documented := map[string]bool{}
	for _, table := range tables(readRoot(t, "bff/docs/reference.md")) {
		isEnvironment := false
		for _, row := range table {
			isEnvironment = isEnvironment || strings.Contains(row[0], "`LISTEN_ADDR`")
		}
		if !isEnvironment {
			continue
		}
		for _, row := range table {
			names := codes(row[0])
			for n, name := range names {
				if !variableName.MatchString(name) {
					continue
				}
				want, exists := defaults[name]
				if !exists {
					t.Errorf("reference.md documents %s, which does not exist", name)
					continue
				}
				if documented[name] {
					t.Errorf("reference.md documents %s twice", name)
				}
				documented[name] = true
				if len(row) < 3 || strings.TrimSpace(row[2]) == "" {
					t.Errorf("reference.md does not say what %s means", name)
					continue
				}
				if given := codes(row[1]); want != "" && (len(given) != len(names) || given[n] != want) {
					t.Errorf("reference.md says that %s defaults to %s; it is %s", name, strings.TrimSpace(row[1]), want)
				}
			}
		}
	}
	for _, v := range config.Variables() {
		if !documented[v.Name] {
			t.Errorf("reference.md: no row | `%s` | `%s` | … in the environment table", v.Name, v.Default)
		}
	}
}

var exampleLine = regexp.MustCompile(`^(#?)\s?([A-Z][A-Z0-9_]*)=(.*)$`)

func TestEnvExampleHasEveryVariable(t *testing.T) {
	t.Parallel()
	values := map[string]string{}
	effective := environment{}
	for line := range strings.Lines(readRoot(t, ".env.example")) {
		m := exampleLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		if _, twice := values[m[2]]; twice {
			t.Errorf(".env.example has %s twice", m[2])
		}
		if values[m[2]] = m[3]; m[1] == "" {
			effective[m[2]] = m[3]
		}
	}
	for _, v := range config.Variables() {
		value, ok := values[v.Name]
		if !ok {
			t.Errorf(".env.example: no line %s=%s", v.Name, v.Default)
		}
		if v.Default != "" && value != v.Default {
			t.Errorf(".env.example has %s=%s; the default is %s", v.Name, value, v.Default)
		}
		delete(values, v.Name)
	}
	for extra := range values {
		t.Errorf(".env.example has %s, which does not exist", extra)
	}
	// An unchanged copy works.
	load(t, effective)
}
