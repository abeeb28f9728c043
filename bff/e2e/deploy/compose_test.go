// Package deploy checks the files that people deploy from: the compose file,
// the Dockerfile, the Caddyfile, the example of an environment, and the tables
// of reference.md.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
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
	Instance  service `yaml:"x-instance"`
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
	Networks        networks
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

// networks are names, or names with what a service is called there.
type networks map[string]struct{ Aliases []string }

func (n *networks) UnmarshalYAML(text []byte) error {
	var names []string
	if yaml.Unmarshal(text, &names) == nil {
		*n = networks{}
		for _, name := range names {
			(*n)[name] = struct{ Aliases []string }{}
		}
		return nil
	}
	return yaml.UnmarshalWithOptions(text, (*map[string]struct{ Aliases []string })(n), yaml.Strict())
}

func compose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.NewDecoder(strings.NewReader(read(t, "docker-compose.yml")), yaml.Strict()).Decode(&c); err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return c
}

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+[\w.-]*$`)

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
		for n := range s.Networks {
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
		for _, port := range s.Ports {
			if name != "caddy" && !(name == "mail" && strings.HasPrefix(port, "127.0.0.1:")) {
				t.Errorf("%s is open to the outside: %v", name, port)
			}
		}
	}
	for v := range c.Volumes {
		if !used[v] {
			t.Errorf("nobody uses the volume %q", v)
		}
	}
}

var instances = []string{"gatehouse-1", "gatehouse-2"}

// One restarts while the other answers: they differ in nothing, Caddy knows both,
// and so do the backends that want the public keys.
func TestComposeRunsTwoInstances(t *testing.T) {
	c := compose(t)
	var upstreams []string
	for _, name := range instances {
		if !reflect.DeepEqual(c.Services[name], c.Instance) {
			t.Errorf("%s is not x-instance", name)
		}
		upstreams = append(upstreams, name+":8080")
		if c.Services["caddy"].DependsOn[name].Condition != "service_healthy" {
			t.Errorf("Caddy does not wait for %s", name)
		}
	}
	if got := c.Services["caddy"].Environment["GATEHOUSE"]; got != strings.Join(upstreams, " ") {
		t.Errorf("Caddy's upstreams are %q", got)
	}
	if !slices.Contains(c.Instance.Networks["apis"].Aliases, "gatehouse") ||
		!slices.Contains(c.Services["demo-api"].Command, "--jwks=http://gatehouse:8080/.well-known/jwks.json") {
		t.Error("the demo API depends on one of the instances")
	}
}

// composeLoader is the part of Docker Compose that reads the file, as a program.
const composeLoader = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"

func TestComposeIsWhatComposeAccepts(t *testing.T) {
	check := func(t *testing.T, file string) (string, error) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "go", "run", composeLoader, "-no-interpolation", file).CombinedOutput()
		return string(out), err
	}
	if out, err := check(t, "../../../docker-compose.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	bad := filepath.Join(t.TempDir(), "docker-compose.yml")
	if err := os.WriteFile(bad, []byte("services:\n  a:\n    image: a\n    helthcheck: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := check(t, bad); err == nil || !strings.Contains(out, "helthcheck") {
		t.Errorf("a misspelt key: %v\n%s", err, out)
	}
}

// Whoever is on the network whose forwarded addresses are believed can claim
// any address.
func TestComposeBelievesCaddyOnly(t *testing.T) {
	c := compose(t)
	believed := c.Instance.Environment["TRUSTED_PROXIES"]
	config := c.Networks["edge"].IPAM.Config
	if len(config) != 1 || config[0].Subnet != believed {
		t.Errorf("TRUSTED_PROXIES is %q and the network edge %+v", believed, config)
	}
	for name, s := range c.Services {
		if _, there := s.Networks["edge"]; there != (name == "caddy" || slices.Contains(instances, name)) {
			t.Errorf("%s: networks %v", name, s.Networks)
		}
	}
}

// Its page has no password, and its mails are about people's accounts.
func TestComposeCatchesMail(t *testing.T) {
	c := compose(t)
	if url := c.Instance.Environment["SMTP_URL"]; url != "smtp://mail:1025?tls=none" {
		t.Errorf("mails go to %s", url)
	}
	if ports := c.Services["mail"].Ports; !slices.Equal(ports, []string{"127.0.0.1:8025:8025"}) {
		t.Errorf("the mail catcher publishes %v", ports)
	}
	for name, s := range c.Services {
		if _, there := s.Networks["mail"]; there != (name == "mail" || slices.Contains(instances, name)) {
			t.Errorf("%s: networks %v", name, s.Networks)
		}
	}
	if c.Networks["mail"].Internal || len(c.Services["mail"].Networks) != 1 {
		t.Error("Docker publishes no port of a service on internal networks only, and what is on others too reaches more than it should")
	}
}

func TestDemoAPIBelievesGatehouse(t *testing.T) {
	c := compose(t)
	demo := c.Services["demo-api"].Command
	want := "--issuer=" + c.Instance.Environment["PUBLIC_URL"]
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

// Compose waits for as long as a process may take: an instance whose store was
// slow at the end used to be killed with audit events in its queue.
func TestComposeWaitsForTheEnd(t *testing.T) {
	c := compose(t)
	grace, err := time.ParseDuration(c.Instance.StopGracePeriod)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := config.Load(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if ends := app.EndsWithin(defaults); grace <= ends || c.Instance.Environment["SHUTDOWN_TIMEOUT"] != "" {
		t.Errorf("it is killed after %v and takes up to %v", grace, ends)
	}
}
