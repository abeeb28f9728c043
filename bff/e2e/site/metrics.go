package site

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (s *Harness) ScrapeText() string {
	s.T.Helper()
	resp, err := http.Get(s.Ops + "/metrics")
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		s.T.Fatalf("/metrics: %d, %v", resp.StatusCode, err)
	}
	return string(text)
}

// Scrape gives what /metrics says, by name and labels as they are written.
func (s *Harness) Scrape() map[string]float64 {
	s.T.Helper()
	all := map[string]float64{}
	for line := range strings.Lines(s.ScrapeText()) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			s.T.Fatalf("%q: %v", line, err)
		}
		all[line[:at]] = value
	}
	return all
}

// scrapeOf is the part of a scrape that want names; what is not there is -1.
func (s *Harness) scrapeOf(want map[string]float64) map[string]float64 {
	s.T.Helper()
	all, got := s.Scrape(), map[string]float64{}
	for name := range want {
		value, ok := all[name]
		if !ok {
			value = -1
		}
		got[name] = value
	}
	return got
}

func (s *Harness) wantMetrics(want map[string]float64) {
	s.T.Helper()
	if diff := cmp.Diff(want, s.scrapeOf(want)); diff != "" {
		s.T.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// A request is counted after its answer is out.
func (s *Harness) AwaitMetrics(want map[string]float64) {
	s.T.Helper()
	deadline := time.Now().Add(time.Minute)
	for !maps.Equal(want, s.scrapeOf(want)) {
		if time.Now().After(deadline) {
			s.wantMetrics(want)
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}
