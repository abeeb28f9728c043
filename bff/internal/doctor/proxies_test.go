package doctor

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhichProxiesWereSeen(t *testing.T) {
	requests := func(n int) string {
		return "# HELP gatehouse_http_requests_total Requests.\n" + `gatehouse_http_requests_total{method="GET",route="/healthz",status="2xx"} 1000` + "\n" +
			fmt.Sprintf(`gatehouse_http_requests_total{method="GET",route="/",status="2xx"} %d`+"\n", n)
	}
	seen := func(network string, seen int) string {
		return fmt.Sprintf("gatehouse_trusted_proxy_seen{network=%q} %d\n", network, seen)
	}
	others := func(n int) string { return fmt.Sprintf("gatehouse_forwarded_by_others_total %d\n", n) }
	for name, c := range map[string]struct {
		scrape string
		want   State
		text   string
	}{
		"seen":                    {requests(9) + seen("10.0.0.0/8", 1) + others(0), OK, "all of TRUSTED_PROXIES were seen in 9 requests"},
		"none there":              {requests(9) + others(0), OK, "none is trusted"},
		"never":                   {requests(9) + seen("10.0.0.0/8", 0) + others(0), Warning, "none of 9 requests came over 10.0.0.0/8"},
		"never, and another one":  {requests(9) + seen("10.0.0.0/8", 0) + others(8), Problem, "8 had X-Forwarded-For from elsewhere"},
		"one of two never":        {requests(9) + seen("10.0.0.0/8", 1) + seen("fd00::/8", 0) + others(0), Warning, "over fd00::/8"},
		"one that is not trusted": {requests(9) + others(1), Warning, "1 of 9 requests had X-Forwarded-For"},
		"another one besides":     {requests(9) + seen("10.0.0.0/8", 1) + others(3), Warning, "3 of 9 requests"},
		"large numbers":           {requests(0) + `gatehouse_http_requests_total{method="GET",route="/a",status="2xx"} 1.234e+06` + "\n" + others(0), OK, "1234000 requests"},
	} {
		p, err := readProxies(c.scrape)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.judge()
		if err != nil || r.State != c.want || !strings.Contains(r.Found, c.text) || (r.Fix == "") != (c.want == OK) {
			t.Errorf("%s: %+v, %v; want %s, %q", name, r, err, c.want, c.text)
		}
	}
	if p, err := readProxies(requests(0) + seen("10.0.0.0/8", 0) + others(0)); err != nil {
		t.Fatal(err)
	} else if r, err := p.judge(); err == nil || r.Fix == "" {
		t.Errorf("an instance without requests: %+v", r)
	}
	if _, err := readProxies("prometheus_build_info 1\n"); err == nil {
		t.Error("the metrics of another program were read")
	}
}

func TestLocalAddressOfAListener(t *testing.T) {
	for listen, want := range map[string]string{
		":9090": "127.0.0.1:9090", "0.0.0.0:9090": "127.0.0.1:9090", "[::]:9090": "127.0.0.1:9090", "10.0.0.1:9090": "10.0.0.1:9090", "ops.internal:9090": "ops.internal:9090",
	} {
		if got := local(listen); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}
