package web

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

func readOpenAPI(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPIDocument)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// operations are the document's, by "METHOD /path/:id" as routes has them.
func operations(doc *openapi3.T) map[string]*openapi3.Operation {
	out := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			out[method+" "+strings.NewReplacer("{", ":", "}", "").Replace(path)] = o
		}
	}
	return out
}

// codesOf are the problem codes that an operation can answer with a status.
func codesOf(o *openapi3.Operation, status int) (codes []string) {
	answer := o.Responses.Status(status)
	if answer == nil {
		return nil
	}
	for _, content := range answer.Value.Content {
		if content.Schema == nil || len(content.Schema.Value.AllOf) != 2 {
			return nil
		}
		for _, c := range content.Schema.Value.AllOf[1].Value.Properties["code"].Value.Enum {
			codes = append(codes, c.(string))
		}
	}
	return codes
}

func TestOpenAPIDocumentIsSound(t *testing.T) {
	t.Parallel()
	doc := readOpenAPI(t)
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("version %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	if text := string(openAPIDocument); strings.Contains(text, "<<:") || strings.Contains(text, "\t") {
		t.Error("merge keys and tabs are not for every reader of YAML")
	}
	for name, o := range operations(doc) {
		if o.Summary == "" || o.OperationID == "" || len(o.Tags) != 1 {
			t.Errorf("%s: summary %q, id %q, tags %v", name, o.Summary, o.OperationID, o.Tags)
		}
		if o.RequestBody != nil {
			body := o.RequestBody.Value.Content["application/json"]
			if more := body.Schema.Value.AdditionalProperties.Has; more == nil || *more {
				t.Errorf("%s: its body may hold members that are not in the document", name)
			}
		}
	}
}

func TestOpenAPIDocumentHasEveryEndpointAndNoOther(t *testing.T) {
	t.Parallel()
	documented := operations(readOpenAPI(t))
	for _, e := range Endpoints() {
		name := e.Method + " " + e.Path
		o := documented[name]
		delete(documented, name)
		if o == nil {
			t.Errorf("%s is not in openapi.yaml", name)
			continue
		}
		// nil means the document's default: a session's cookies.
		open := o.Security != nil && len(*o.Security) == 0
		if open != (e.Who == "anyone") && name != "POST /api/auth/refresh" {
			t.Errorf("%s is for %s, and its security is %v", name, e.Who, o.Security)
		}
		for status, code := range wanted(e, o) {
			if !slices.Contains(codesOf(o, status), code) {
				t.Errorf("%s: %d lacks %s", name, status, code)
			}
		}
	}
	for name := range documented {
		t.Errorf("%s is in openapi.yaml, and not in routes", name)
	}
}

// wanted are the codes of the checks around an endpoint's handler.
func wanted(e Endpoint, o *openapi3.Operation) map[int]string {
	codes := map[int]string{400: "malformed_request", 413: "body_too_large", 500: "internal"}
	if strings.Contains(e.Path, ":") {
		codes[400] = "bad_path"
	}
	if strings.HasPrefix(e.Path, "/api/") {
		codes[403] = "cross_site_request"
	}
	if e.Who != "anyone" {
		codes[401], codes[503] = "not_authenticated", "session_store_unavailable"
	}
	if e.Who == "admin" {
		codes[403] = "forbidden"
	}
	if o.RequestBody != nil {
		codes[400], codes[415], codes[422] = "malformed_json", "unsupported_media_type", "validation_failed"
	}
	return codes
}

func TestOpenAPIDocumentHasEveryProblemCode(t *testing.T) {
	t.Parallel()
	doc := readOpenAPI(t)
	listed := map[string]bool{}
	for _, code := range doc.Components.Schemas["ProblemCode"].Value.Enum {
		listed[code.(string)] = true
	}
	for code := range problems {
		if !listed[string(code)] {
			t.Errorf("ProblemCode lacks %s", code)
		}
		delete(listed, string(code))
	}
	for code := range listed {
		t.Errorf("ProblemCode has %s, which no handler answers with", code)
	}
	for name, o := range operations(doc) {
		for status := range o.Responses.Map() {
			n, err := strconv.Atoi(status)
			if err != nil {
				t.Errorf("%s: status %s", name, status)
			}
			codes := codesOf(o, n)
			forMachines := name == "GET /healthz" && n == http.StatusServiceUnavailable
			if (n >= 400 && !forMachines) != (len(codes) > 0) {
				t.Errorf("%s: %d has codes %v", name, n, codes)
			}
			for _, code := range codes {
				if got := problems[refusal.Code(code)].status; got != n {
					t.Errorf("%s: %s is documented under %d, and answered with %d", name, code, n, got)
				}
			}
		}
	}
}

// The constants of auth and session are read: a list of them could lack one.
func TestOpenAPIDocumentHasEveryConstantOfAuthAndSession(t *testing.T) {
	t.Parallel()
	schemas := readOpenAPI(t).Components.Schemas
	for _, tt := range []struct {
		file, kind string
		documented openapi3.SchemaRef
	}{
		{"../auth/audit_event.go", "EventType", *schemas["AuditEventType"]},
		{"../session/record.go", "Reason", *schemas["SessionEvent"].Value.Properties["reason"]},
		{"../session/record.go", "Role", *schemas["Role"]},
	} {
		source, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		var words, documented []string
		for _, m := range regexp.MustCompile(` `+tt.kind+` += "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			words = append(words, m[1])
		}
		for _, word := range tt.documented.Value.Enum {
			documented = append(documented, word.(string))
		}
		slices.Sort(words)
		slices.Sort(documented)
		if len(words) == 0 || !slices.Equal(words, documented) {
			t.Errorf("%s: openapi.yaml has\n%q\nauth has\n%q", tt.kind, documented, words)
		}
	}
}
