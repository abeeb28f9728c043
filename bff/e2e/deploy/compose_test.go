// Package deploy checks the files that people deploy from: the compose file,
// the Dockerfile, the Caddyfile, the example of an environment and README's
// table of it.
package deploy

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/goccy/go-yaml"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
)

// read reads a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// composeFile is what docker-compose.yml may hold: the part of the Compose
// specification that it uses. Another key is a mistake until it stands here.
type composeFile struct {
	Name      string
	Gatehouse service `yaml:"x-gatehouse"`
	Services  map[string]service
	Networks  map[string]struct {
		Internal bool
		IPAM     struct {
			Config []struct{ Subnet string }
		}
	}
	Volumes map[string]*struct{}
	Configs map[string]struct{ Content string }
}

type service struct {
	Image           string
	Build           string
	Restart         string
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	Ports           []string
	Environment     map[string]string
	Entrypoint      []string
	Command         []string
	Configs         []struct{ Source, Target string }
	Volumes         []string
	Networks        []string
	NetworkMode     string                                `yaml:"network_mode"`
	DependsOn       map[string]struct{ Condition string } `yaml:"depends_on"`
	StopGracePeriod string                                `yaml:"stop_grace_period"`
	Healthcheck     *struct {
		Test              []string
		Interval, Timeout string
		StartPeriod       string `yaml:"start_period"`
		Disable           bool
	}
	Deploy struct {
		Resources struct {
			Limits struct{ CPUs, Memory string }
		}
	}
}

func compose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.NewDecoder(strings.NewReader(read(t, "docker-compose.yml")), yaml.Strict()).Decode(&c); err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return c
}

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:\d+\.\d+[\w.-]*$`)

func TestComposeNamesWhatExists(t *testing.T) {
	c := compose(t)
	used := map[string]bool{}
	for name, s := range c.Services {
		if s.Build == "" && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q is not pinned to a version", name, s.Image)
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, ok := c.Volumes[source]; !ok && source != "./Caddyfile" {
				t.Errorf("%s: there is no volume %q", name, source)
			}
			used[source] = true
		}
		for _, n := range s.Networks {
			if _, ok := c.Networks[n]; !ok {
				t.Errorf("%s: there is no network %q", name, n)
			}
		}
		if len(s.Networks) == 0 && s.NetworkMode != "none" {
			t.Errorf("%s is on the default network, where everything reaches everything", name)
		}
		for _, f := range s.Configs {
			if _, ok := c.Configs[f.Source]; !ok {
				t.Errorf("%s: there is no config %q", name, f.Source)
			}
		}
		for other, d := range s.DependsOn {
			o, ok := c.Services[other]
			switch {
			case !ok:
				t.Errorf("%s depends on %q, which does not exist", name, other)
			case d.Condition == "service_healthy" && (o.Healthcheck == nil || len(o.Healthcheck.Test) == 0):
				t.Errorf("%s waits for %s to be healthy, which has no check", name, other)
			case d.Condition == "service_completed_successfully" && o.Restart != "" && o.Restart != "no":
				t.Errorf("%s waits for the end of %s, which restarts", name, other)
			}
		}
		if len(s.Ports) > 0 && name != "caddy" {
			t.Errorf("%s is open to the outside: %v", name, s.Ports)
		}
	}
	for v := range c.Volumes {
		if !used[v] {
			t.Errorf("nobody uses the volume %q", v)
		}
	}
}

// Whoever is on the network whose forwarded addresses are believed can claim
// any address.
func TestComposeBelievesCaddyOnly(t *testing.T) {
	c := compose(t)
	believed := c.Services["gatehouse"].Environment["TRUSTED_PROXIES"]
	config := c.Networks["edge"].IPAM.Config
	if len(config) != 1 || config[0].Subnet != believed {
		t.Errorf("TRUSTED_PROXIES is %q and the network edge %+v", believed, config)
	}
	for name, s := range c.Services {
		if slices.Contains(s.Networks, "edge") != (name == "caddy" || name == "gatehouse") {
			t.Errorf("%s: networks %v", name, s.Networks)
		}
	}
}

// unescape undoes what protects a $ from Compose, and fills in the one
// variable that it is to replace.
func unescape(s string) string {
	return strings.NewReplacer("$$", "$", "${SITE_ADDRESS:-localhost}", "localhost").Replace(s)
}

// The first start, without containers: passwords and keys are made, and
// Gatehouse accepts its configuration.
func TestComposeStartsFromNothing(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	c, dir := compose(t), t.TempDir()
	gatehouse := filepath.Join(dir, "gatehouse")
	for _, d := range []string{"gatehouse", "mysql", "redis"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	routes := filepath.Join(dir, "routes.yaml")
	if err := os.WriteFile(routes, []byte(c.Configs["routes"].Content), 0o600); err != nil {
		t.Fatal(err)
	}

	start := func() (files map[string]string) {
		t.Helper()
		passwords := c.Services["passwords"]
		script := exec.CommandContext(t.Context(), passwords.Entrypoint[0],
			append(slices.Clone(passwords.Entrypoint[1:]), unescape(passwords.Command[0]))...)
		uid := strconv.Itoa(os.Getuid())
		script.Env = append(os.Environ(), "SECRETS="+dir, "GATEHOUSE_UID="+uid, "MYSQL_UID="+uid, "REDIS_UID="+uid)
		if out, err := script.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("the script of the service passwords: %v\n%s", err, out)
		}
		if want := []string{"keys", "--dir", "/run/gatehouse"}; !slices.Equal(c.Services["keys"].Command, want) {
			t.Fatalf("the service keys runs %q, this test %q", c.Services["keys"].Command, want)
		}
		secrets, err := app.NewSecrets()
		if err != nil {
			t.Fatal(err)
		}
		if err := secrets.WriteFiles(gatehouse, io.Discard); err != nil {
			t.Fatal(err)
		}
		files = map[string]string{}
		for _, f := range must(filepath.Glob(dir + "/*/*"))(t) {
			files[strings.TrimPrefix(f, dir+"/")] = string(must(os.ReadFile(f))(t))
			if info := must(os.Stat(f))(t); info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", f, info.Mode())
			}
		}
		return files
	}
	files := start()
	for name, content := range start() {
		if files[name] != content {
			t.Errorf("%s is another one after the second start", name)
		}
	}

	env := map[string]string{}
	for name, value := range c.Services["gatehouse"].Environment {
		known := slices.ContainsFunc(config.Variables(), func(v config.Variable) bool {
			return name == v.Name || name == v.Name+"_FILE"
		})
		if !known {
			t.Errorf("Gatehouse knows no variable %s", name)
		}
		env[name] = strings.Replace(unescape(value), "/run/gatehouse", gatehouse, 1)
		if source, path, ok := strings.Cut(env[name], "/etc/gatehouse/"); ok && source == "" && path == "routes.yaml" {
			env[name] = routes
		}
	}
	loaded, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		t.Fatalf("the environment of the service gatehouse:\n%v", err)
	}
	if loaded.Embedded || loaded.PublicURL.String() != "https://localhost" || len(loaded.TrustedProxies) != 1 {
		t.Errorf("configuration: %+v", loaded)
	}
	table, err := app.Routes(loaded)
	if err != nil {
		t.Fatal(err)
	}
	if rows := table.Rows(); len(rows) != 1 || rows[0].Path != "/api/demo" || rows[0].Upstreams[0].String() != "http://demo-api:8090" {
		t.Errorf("routes: %+v", rows)
	}
	dsn, err := mysql.ParseDSN(loaded.MySQLDSN.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	db := c.Services["mysql"].Environment
	if dsn.Passwd != files["mysql/password"] || dsn.User != db["MYSQL_USER"] || dsn.DBName != db["MYSQL_DATABASE"] || dsn.Addr != "mysql:3306" {
		t.Error("MYSQL_DSN and what the server is told differ")
	}
	if err := redisstore.CheckURL(loaded.RedisURL.Reveal()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(files["redis/redis.conf"], "requirepass "+files["redis/password"]+"\n") ||
		!strings.Contains(loaded.RedisURL.Reveal(), ":"+files["redis/password"]+"@redis:6379") {
		t.Error("REDIS_URL and what the server is told differ")
	}
	if len(files["mysql/password"]) < 40 || files["mysql/password"] == files["redis/password"] {
		t.Error("the passwords are none")
	}
}

// must is for calls that fail the test: must(f())(t).
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestDemoAPIBelievesGatehouse(t *testing.T) {
	c := compose(t)
	demo := c.Services["demo-api"].Command
	want := "--issuer=" + c.Services["gatehouse"].Environment["PUBLIC_URL"]
	if demo[0] != "demo-api" || !slices.Contains(demo, want) {
		t.Errorf("demo-api runs %q, want %s in it", demo, want)
	}
}

func TestDockerfile(t *testing.T) {
	file := read(t, "Dockerfile")
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(file, -1) {
		if image := m[1]; image != "scratch" && !regexp.MustCompile(`^\w+:\d+[\w.-]*$`).MatchString(image) {
			t.Errorf("image %q is not pinned to a version", image)
		}
	}
	golang := regexp.MustCompile(`(?m)^FROM golang:(\d+\.\d+)-`).FindStringSubmatch(file)
	module := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	if golang == nil || module == nil || golang[1] != module[1] {
		t.Errorf("the image is built with Go %v, go.mod says %v", golang, module)
	}
	last := file[strings.LastIndex(file, "\nFROM "):]
	for _, line := range []string{"USER 65532:65532", `"/gatehouse", "healthcheck"`, `ENTRYPOINT ["/gatehouse"]`} {
		if !strings.Contains(last, line) {
			t.Errorf("the final image lacks %s", line)
		}
	}
}

func TestCaddyfile(t *testing.T) {
	caddy, err := exec.LookPath("caddy")
	if err != nil {
		t.Skip("caddy is not installed; the Caddyfile is not validated")
	}
	// Debian's is older than the options that are used here. A Caddy that was
	// built with `go install` does not know its version.
	version := string(must(exec.CommandContext(t.Context(), caddy, "version").Output())(t))
	if m := regexp.MustCompile(`^v?(\d+)\.(\d+)\.`).FindStringSubmatch(version); m != nil {
		if major, minor := must(strconv.Atoi(m[1]))(t), must(strconv.Atoi(m[2]))(t); major < 2 || major == 2 && minor < 7 {
			t.Skipf("caddy %s is too old; the Caddyfile is not validated", strings.TrimSpace(version))
		}
	}
	file := must(filepath.Abs("../../../Caddyfile"))(t)
	for _, args := range [][]string{
		{"validate", "--config", file, "--adapter", "caddyfile"},
		{"fmt", "--diff", file},
	} {
		cmd := exec.CommandContext(t.Context(), caddy, args...)
		home := t.TempDir()
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
		out, err := cmd.CombinedOutput()
		if err != nil || args[0] == "fmt" && regexp.MustCompile(`(?m)^[-+]`).Match(bytes.TrimSpace(out)) {
			t.Errorf("caddy %s: %v\n%s", args[0], err, out)
		}
	}
}
