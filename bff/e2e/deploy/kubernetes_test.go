package deploy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// What of bff/docs/kubernetes has to fit the binary; whether Kubernetes
// understands it is tested in the module below kubernetes/.
type podTemplate struct {
	Spec struct {
		Template struct {
			Spec struct {
				TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
				Containers                    []struct {
					Args  []string
					Ports []struct {
						Name          string
						ContainerPort string `yaml:"containerPort"`
					}
					Env            []struct{ Name, Value string }
					StartupProbe   probe `yaml:"startupProbe"`
					LivenessProbe  probe `yaml:"livenessProbe"`
					ReadinessProbe probe `yaml:"readinessProbe"`
				}
			}
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func podIn(t *testing.T, name string) (p podTemplate) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, "bff/docs/kubernetes/"+name)), &p); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// settings are the lines of a file of NAME=value, or of a list of them in YAML.
func settings(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
		if name, value, ok := strings.Cut(line, "="); ok && name == strings.ToUpper(name) && !strings.HasPrefix(name, "#") {
			all[name] = value
		}
	}
	return all
}

// deployed reads a configuration as a pod would: secrets are files.
func deployed(t *testing.T, env map[string]string, pod podTemplate, routes string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	secrets, err := app.NewSecrets()
	if err == nil {
		err = secrets.WriteFiles(dir, t.Output())
	}
	if err != nil {
		t.Fatal(err)
	}
	write("MYSQL_DSN", "gatehouse:secret@tcp(mysql:3306)/gatehouse")
	write("REDIS_URL", "redis://:secret@redis:6379")
	for _, e := range pod.Spec.Template.Spec.Containers[0].Env {
		file := filepath.Join(dir, filepath.Base(e.Value))
		if filepath.Dir(e.Value) != "/run/gatehouse" || e.Name != filepath.Base(e.Value)+"_FILE" {
			t.Errorf("%s is %s: want the file of that name in the Secret", e.Name, e.Value)
		}
		env[e.Name] = file
	}
	if env["ROUTES_FILE"] != "" {
		if env["ROUTES_FILE"] != "/etc/gatehouse/routes.yaml" {
			t.Errorf("ROUTES_FILE %s is not what is mounted", env["ROUTES_FILE"])
		}
		env["ROUTES_FILE"] = write("routes.yaml", read(t, "bff/docs/kubernetes/"+routes))
	}
	known := map[string]bool{}
	for _, v := range config.Variables() {
		known[v.Name], known[v.Name+"_FILE"] = true, true
	}
	for name := range env {
		if !known[name] {
			t.Errorf("there is no setting %s", name)
		}
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err := errors.Join(err, app.Check(c)); err != nil {
		t.Fatal(err)
	}
	return c
}

// An overlay or a Job whose settings the binary refuses ends in a crash loop.
func TestKubernetesSettingsAreTaken(t *testing.T) {
	deployment := podIn(t, "base/deployment.yaml")
	base := settings(read(t, "bff/docs/kubernetes/base/gatehouse.env"))
	overlay := settings(read(t, "bff/docs/kubernetes/overlays/example/kustomization.yaml"))
	if len(base) < 5 || len(overlay) != 2 {
		t.Fatalf("settings %v, in the overlay %v", base, overlay)
	}
	for name, value := range base {
		if overlay[name] == "" {
			overlay[name] = value
		}
	}
	for name, c := range map[string]*config.Config{
		"base":    deployed(t, base, deployment, "base/routes.yaml"),
		"overlay": deployed(t, overlay, deployment, "overlays/example/routes.yaml"),
	} {
		grace := time.Duration(deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if ends := app.EndsWithin(c); grace <= ends {
			t.Errorf("%s: it is killed after %v and takes up to %v", name, grace, ends)
		}
		ports := map[string]string{}
		for _, p := range deployment.Spec.Template.Spec.Containers[0].Ports {
			ports[p.Name] = ":" + p.ContainerPort
		}
		// Every address: the kubelet and Prometheus come to the pod's.
		if ports["http"] != c.ListenAddr || ports["ops"] != c.OpsAddr {
			t.Errorf("%s: ports %v, the binary listens on %s and %s", name, ports, c.ListenAddr, c.OpsAddr)
		}
	}
	job := podIn(t, "migrate/job.yaml")
	deployed(t, settings(read(t, "bff/docs/kubernetes/migrate/kustomization.yaml")), job, "")
	if got := job.Spec.Template.Spec.Containers[0].Args; !slices.Equal(got, []string{"migrate"}) {
		t.Errorf("the Job runs %v", got)
	}
}

// The probes, and the scrape, as the cluster sends them: to the pod's address,
// which is the Host as well.
func TestKubernetesProbesAreAnswered(t *testing.T) {
	// On every address, as in the pod: on loopback the private listener answers to
	// loopback's names alone.
	addr := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		return ":" + port
	}
	env := map[string]string{"LISTEN_ADDR": addr(), "OPS_ADDR": addr(), "DATA_DIR": t.TempDir()}
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	container := podIn(t, "base/deployment.yaml").Spec.Template.Spec.Containers[0]
	scrape := probe{}
	scrape.HTTPGet.Path, scrape.HTTPGet.Port = "/metrics", "ops"
	if !strings.Contains(read(t, "bff/docs/kubernetes/components/monitoring/servicemonitor.yaml"), "{port: ops, path: /metrics,") {
		t.Error("the ServiceMonitor scrapes something else")
	}
	for what, p := range map[string]probe{
		"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe, "scrape": scrape,
	} {
		to := map[string]string{"http": env["LISTEN_ADDR"], "ops": env["OPS_ADDR"]}[p.HTTPGet.Port]
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+to+p.HTTPGet.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(to)
		r.Host = net.JoinHostPort("10.42.0.7", port)
		r.Header.Set("User-Agent", "kube-probe/1.37")
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s, %s on %s: %d", what, p.HTTPGet.Path, p.HTTPGet.Port, resp.StatusCode)
		}
	}
}
