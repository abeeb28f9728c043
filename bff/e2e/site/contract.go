package site

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the published document (openapi.yaml), against which every
// answer that a browser of these tests gets is held.
type contract struct {
	doc    *openapi3.T
	router routers.Router
	bodies map[*openapi3.Schema]*jsonschema.Schema
}

const contractFile = "bff/internal/web/openapi.yaml"

// published is read once: the schemas take longer to compile than a test.
var published = sync.OnceValues(func() (*contract, error) {
	text, err := os.ReadFile(RepoFile(contractFile))
	if err != nil {
		return nil, err
	}
	return readContract(text)
})

func readContract(text []byte) (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // they say "/", and a router wants hosts
	router, err := legacy.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	// The router's library compiles a schema for each body that it looks at;
	// here each is compiled once, by the library beneath it.
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	raw, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		return nil, err
	}
	closeSchemas(raw)
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", raw); err != nil {
		return nil, err
	}
	c := &contract{doc: doc, router: router, bodies: map[*openapi3.Schema]*jsonschema.Schema{}}
	return c, c.compile(compiler)
}

// closeSchemas: clients must expect further members in answers, so the
// document leaves them open. The tests must not: a member that is not
// documented is a leak, or a gap in the document.
func closeSchemas(raw any) {
	schemas := raw.(Object)["components"].(Object)["schemas"].(Object)
	for _, s := range schemas {
		if s := s.(Object); s["properties"] != nil && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
	}
}

// compile finds every schema of a body, by where it stands in the document.
func (c *contract) compile(compiler *jsonschema.Compiler) error {
	event := c.doc.Components.Schemas["SessionEvent"] // in a stream, where no body refers to it
	compiled, err := compiler.Compile("openapi.json#/components/schemas/SessionEvent")
	c.bodies[event.Value] = compiled
	add := func(content openapi3.Content, where string) {
		for mediaType, body := range content {
			if body.Schema == nil || c.bodies[body.Schema.Value] != nil {
				continue
			}
			compiled, wrong := compiler.Compile("openapi.json#" + where + "/content/" + pointer(mediaType) + "/schema")
			err = errors.Join(err, wrong)
			c.bodies[body.Schema.Value] = compiled
		}
	}
	for path, item := range c.doc.Paths.Map() {
		for method, o := range item.Operations() {
			where := "/paths/" + pointer(path) + "/" + strings.ToLower(method)
			if o.RequestBody != nil {
				add(o.RequestBody.Value.Content, where+"/requestBody")
			}
			for status, answer := range o.Responses.Map() {
				if answer.Ref == "" {
					add(answer.Value.Content, where+"/responses/"+status)
				}
			}
		}
	}
	for name, answer := range c.doc.Components.Responses {
		add(answer.Value.Content, "/components/responses/"+name)
	}
	return err
}

// pointer escapes a name for a JSON pointer in a URL (RFC 6901 §6).
func pointer(name string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
}

// asPublished fails the test for a response that the document does not have, and
// for an accepted request body that the document does not have.
func (a Answer) asPublished(t *testing.T, sent []byte) Answer {
	t.Helper()
	c, err := published()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.check(sent, a); err != nil {
		t.Errorf("%s %s: %d is not what openapi.yaml says: %v\n%s", a.Request.Method, a.Request.URL.Path, a.StatusCode, err, a.Text)
	}
	return a
}

func (c *contract) check(sent []byte, a Answer) error {
	method := a.Request.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	path := a.Request.URL.EscapedPath()
	o := c.operation(method, path)
	if o == nil {
		return c.checkOther(path, a)
	}
	if a.StatusCode < 300 && sent != nil && o.RequestBody != nil {
		if err := c.checkBody(o.RequestBody.Value.Content, "application/json", string(sent)); err != nil {
			return fmt.Errorf("the request's body was taken: %w", err)
		}
	}
	documented := o.Responses.Status(a.StatusCode)
	if documented == nil {
		return errors.New("this status is not documented")
	}
	return c.checkAnswer(documented.Value, a)
}

func (c *contract) operation(method, path string) *openapi3.Operation {
	// As sent: what is escaped is another path.
	route, _, err := c.router.FindRoute(&http.Request{Method: method, URL: &url.URL{Path: path}})
	// The router took /api/auth/sessions for /api/auth/sessions/{id}.
	if err != nil || strings.Count(route.Path, "/") != strings.Count(path, "/") {
		return nil
	}
	return route.Operation
}

// checkOther is for methods that an endpoint does not have, and for paths that are
// not endpoints of the product.
func (c *contract) checkOther(path string, a Answer) error {
	known := slices.ContainsFunc([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, func(method string) bool {
		return c.operation(method, path) != nil
	})
	if !known {
		return nil
	}
	name := map[int]string{403: "CrossSite", 405: "MethodNotAllowed"}[a.StatusCode]
	if name == "" {
		return errors.New("a method that is not documented was answered")
	}
	return c.checkAnswer(c.doc.Components.Responses[name].Value, a)
}

func (c *contract) checkAnswer(documented *openapi3.Response, a Answer) error {
	for name, header := range documented.Headers {
		if err := checkHeader(header.Value, a.Header.Values(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if a.Request.Method == http.MethodHead {
		return nil
	}
	if len(documented.Content) == 0 {
		if a.Text != "" {
			return errors.New("a body, and none is documented")
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	return c.checkBody(documented.Content, mediaType, a.Text)
}

func checkHeader(documented *openapi3.Header, values []string) error {
	if len(values) == 0 {
		if documented.Required {
			return errors.New("it is missing")
		}
		return nil
	}
	for _, v := range values {
		var value any = v
		if documented.Schema.Value.Type.Is(openapi3.TypeInteger) {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return err
			}
			value = n
		}
		if err := documented.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
			return err
		}
	}
	return nil
}

func (c *contract) checkBody(documented openapi3.Content, mediaType, text string) error {
	body := documented[mediaType]
	if body == nil {
		return fmt.Errorf("%s is not documented", mediaType)
	}
	if body.Schema == nil {
		return nil
	}
	var value any = text
	if mediaType == "application/json" || strings.HasSuffix(mediaType, "+json") {
		var err error
		if value, err = jsonschema.UnmarshalJSON(strings.NewReader(text)); err != nil {
			return err
		}
	}
	return c.bodies[body.Schema.Value].Validate(value)
}
