package attack

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// Who may do what, generated from the product's own list of endpoints: a row
// that forgets to ask who somebody is shows here, and so does a new one.
func TestMatrixOfCallersAndEndpoints(t *testing.T) {
	s := site.Embedded(t).Start()
	boss := s.Member("boss@example.com")
	s.Operator().MustRun(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "admin"})
	s.Member("other@example.com")
	bystander := s.Member("eve@example.com")
	foreign := bystander.Sessions()[0].(site.Object)["id"].(string)
	user := boss.Do("GET", "/api/auth/me", nil).Want(t, 200).JSON(t)["user"].(site.Object)["id"].(string)

	allowed := map[string][]string{}
	for _, e := range app.Endpoints() {
		allowed[e.Path] = append(allowed[e.Path], e.Method)
		if e.Method == "GET" {
			allowed[e.Path] = append(allowed[e.Path], "HEAD")
		}
	}
	asked := 0
	for _, e := range app.Endpoints() {
		path := strings.ReplaceAll(e.Path, ":id", foreign)
		if strings.HasPrefix(e.Path, "/api/admin") {
			path = strings.ReplaceAll(e.Path, ":id", user)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			for _, who := range []string{"anyone", "member", "admin"} {
				b := s.Browser()
				switch who {
				case "member":
					b = s.SignIn("other@example.com") // a new one: some endpoints end the session
				case "admin":
					b = s.SignIn("boss@example.com")
				}
				got := b.Status(t, method, path)
				asked++
				known := false
				for _, m := range allowed[e.Path] {
					known = known || m == method
				}
				switch {
				case !known:
					if got != http.StatusMethodNotAllowed {
						t.Errorf("%s %s by %s: %d, want 405", method, path, who, got)
					}
				case e.Who == "anyone", who == "admin", who == "member" && e.Who == "member":
					refused := got == http.StatusForbidden || got == http.StatusUnauthorized && path != "/api/auth/refresh"
					if refused || got == http.StatusMethodNotAllowed || got >= 500 {
						t.Errorf("%s %s by %s: %d", method, path, who, got)
					}
				case who == "member":
					if got != http.StatusForbidden {
						t.Errorf("%s %s by %s: %d, want 403", method, path, who, got)
					}
				default:
					if got != http.StatusUnauthorized {
						t.Errorf("%s %s by nobody: %d, want 401", method, path, got)
					}
				}
			}
		}
	}
	if asked != len(app.Endpoints())*7*3 || len(app.Endpoints()) < 19 {
		t.Errorf("only %d questions were asked", asked)
	}
	// Nothing of it was another one's to end.
	bystander.Do("GET", "/api/auth/me", nil).Want(t, 200)
}
