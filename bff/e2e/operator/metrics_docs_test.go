package operator

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// family is a metric as a scrape has it: its type and labels.
type family struct {
	kind   string
	labels map[string]bool
}

var (
	typeLine  = regexp.MustCompile(`^# TYPE (\S+) (\S+)$`)
	labelName = regexp.MustCompile(`[{,]([a-z_]+)="`)
)

// families are read from a scrape, and every name that a query may use.
func families(text string) (all map[string]*family, names map[string]bool) {
	all, names = map[string]*family{}, map[string]bool{}
	var current *family
	for line := range strings.Lines(text) {
		if m := typeLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			current = &family{kind: m[2], labels: map[string]bool{}}
			all[m[1]] = current
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, labels, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		names[name] = true
		for _, m := range labelName.FindAllStringSubmatch("{"+labels, -1) {
			if m[1] != "le" {
				current.labels[m[1]] = true
			}
		}
	}
	return all, names
}

// everything is a scrape of a product to which everything has happened that a
// metric is about.
func everything(t *testing.T) string {
	t.Helper()
	s, rec := site.OnServices(t), newReceiver(t)
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(make([]byte, 50_000))
	}))
	t.Cleanup(half.Close)
	s.Start("OTEL_EXPORTER_OTLP_ENDPOINT", rec.url, "TRUSTED_PROXIES", "192.0.2.0/24")
	b := s.Member("ada@example.com")
	b.Do("GET", "/api/demo/me", nil).Want(t, 200)
	b.Do("GET", "/api/demo/echo", nil, "Connection", "Upgrade", "Upgrade", "h2c").Want(t, 400)
	s.Redis.Stop()
	s.AwaitMetrics(map[string]float64{`gatehouse_down{what="redis"}`: 1})
	text := s.ScrapeText()

	broken := site.Embedded(t)
	broken.Env["ROUTES_FILE"] = site.NewRoutesFile(t, site.PublicRow("/api/half", half.URL)).Name
	broken.Start()
	if resp, err := http.Get(broken.Base + "/api/half"); err == nil {
		resp.Body.Close()
	}
	broken.AwaitMetrics(map[string]float64{`gatehouse_http_answers_broken_off_total{route="/api/half"}`: 1})
	return text + broken.ScrapeText()
}

func TestMetricsAreThoseThatAreDocumented(t *testing.T) {
	all, names := families(everything(t))
	type row struct {
		Kind   string
		Labels []string
	}
	exposed, documented := map[string]row{}, map[string]row{}
	for name, f := range all {
		if strings.HasPrefix(name, "gatehouse_") {
			exposed[name] = row{f.kind, slices.Sorted(maps.Keys(f.labels))}
		}
	}
	for line := range strings.Lines(readDoc(t, "metrics.md")) {
		m := regexp.MustCompile("^\\| `(gatehouse_[a-z_]+)` \\| ([a-z]+) \\| (.*?)\\| .+ \\|$").FindStringSubmatch(strings.TrimSpace(line))
		if m != nil {
			labels := strings.Fields(strings.ReplaceAll(m[3], "`", ""))
			slices.Sort(labels)
			documented[m[1]] = row{m[2], labels}
		}
	}
	for _, rows := range []map[string]row{exposed, documented} {
		for name, r := range rows {
			if len(r.Labels) == 0 {
				rows[name] = row{r.Kind, nil}
			}
		}
	}
	if diff := cmp.Diff(documented, exposed); diff != "" {
		t.Errorf("docs/metrics.md and /metrics (-documented +exposed):\n%s", diff)
	}
	for name, r := range exposed {
		if (r.Kind == "counter") != strings.HasSuffix(name, "_total") || r.Kind == "histogram" && !strings.HasSuffix(name, "_seconds") {
			t.Errorf("%s is no good name for a %s", name, r.Kind)
		}
	}

	queries := dashboardQueries(t)
	if len(queries) < 20 {
		t.Errorf("only %d queries were found in the dashboard", len(queries))
	}
	alerts := alertQueries(t)
	if len(alerts) < 7 {
		t.Errorf("only %d alerts were found", len(alerts))
	}
	words := regexp.MustCompile(`\b(?:gatehouse|go|process)_[a-z0-9_]+`)
	matchers := regexp.MustCompile(`([a-z_]+)(?:=|=~|!=|!~)"`)
	for _, query := range append(queries, alerts...) {
		used := words.FindAllString(query, -1)
		if len(used) == 0 && !strings.HasPrefix(query, "up{") {
			t.Errorf("%s asks for nothing of ours", query)
		}
		for _, name := range used {
			if !names[name] {
				t.Errorf("%s: there is no metric %s", query, name)
			}
		}
		for _, m := range matchers.FindAllStringSubmatch(query, -1) {
			known := m[1] == "job" || m[1] == "instance"
			for _, name := range used {
				known = known || all[base(all, name)].labels[m[1]]
			}
			if !known {
				t.Errorf("%s: there is no label %s", query, m[1])
			}
		}
	}
}

// base is the family of a series: those of a histogram have suffixes.
func base(all map[string]*family, name string) string {
	for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
		if cut, ok := strings.CutSuffix(name, suffix); ok && all[cut] != nil {
			return cut
		}
	}
	return name
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(site.RepoFile("bff/docs/" + name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct{ List []struct{ Query any } }
	}
	if err := json.Unmarshal([]byte(readDoc(t, "grafana-dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			queries = append(queries, target.Expr)
		}
	}
	for _, v := range board.Templating.List {
		if q, ok := v.Query.(site.Object); ok {
			queries = append(queries, q["query"].(string))
		}
	}
	return queries
}

func alertQueries(t *testing.T) (queries []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For string
				Labels           map[string]string
				Annotations      map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(readDoc(t, "alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s says too little", r.Alert)
			}
			queries = append(queries, r.Expr)
		}
	}
	return queries
}
