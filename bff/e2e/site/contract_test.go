package site

import (
	"os"
	"testing"
)

func TestContractIsServed(t *testing.T) {
	s := Embedded(t).Start()
	text, err := os.ReadFile(RepoFile(contractFile))
	if err != nil {
		t.Fatal(err)
	}
	a := s.Browser().Do("GET", "/api/openapi.yaml", nil).Want(t, 200)
	if a.Text != string(text) || a.Header.Get("Content-Type") != "application/yaml" || a.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%v, %d bytes", a.Header, len(a.Text))
	}
	s.Browser().Do("GET", "/api/openapi.yaml", nil, "Sec-Fetch-Site", "cross-site").Want(t, 403, "cross_site_request")
	s.Browser().Do("GET", "/api/openapi.json", nil).Want(t, 404, "not_found")
}
