package web

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// appFile is what an app may say of itself, beside its index.html.
const appFile = "gatehouse.json"

type appFacts struct {
	table pageTable
	// policies are the Trusted Types policies that it may make: Lit does not
	// start without its own, and Vue draws no static parts. Each may be made once, so that a script that
	// comes later does not get one.
	policies []string
}

var policyName = regexp.MustCompile(`^[A-Za-z0-9\-#=_/@.%]+$`)

// readAppFile reads what an app says of itself and reports every mistake in it:
// a page that is open by one is noticed by nobody. has tells which files there
// are.
func readAppFile(text []byte, has func(path string) bool) (appFacts, error) {
	var file struct {
		Pages *struct {
			Anyone  []string `json:"anyone"`
			Members []string `json:"members"`
		} `json:"pages"`
		TrustedTypes []string `json:"trustedTypes"`
	}
	text, err := textfile.UTF8(text)
	if err != nil {
		return appFacts{}, fmt.Errorf("%s: %w", appFile, err)
	}
	if err := json.Unmarshal(text, &file, json.RejectUnknownMembers(true)); err != nil {
		return appFacts{}, fmt.Errorf("%s: %w", appFile, err)
	}
	facts := appFacts{ownPages, file.TrustedTypes}
	var mistakes []error
	wrong := func(what, why string) { mistakes = append(mistakes, fmt.Errorf("%s: %q %s", appFile, what, why)) }
	for _, name := range file.TrustedTypes {
		// The default policy is asked about every string there is: it would
		// switch the whole thing off.
		if name == "default" || !policyName.MatchString(name) {
			wrong(name, "is no name of a Trusted Types policy that may be made")
		}
	}
	if file.Pages != nil {
		facts.table = readPageTable(map[access][]string{anyone: file.Pages.Anyone, members: file.Pages.Members}, has, wrong)
	}
	// In an order that does not change from start to start.
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return facts, errors.Join(mistakes...)
}

func readPageTable(rows map[access][]string, has func(path string) bool, wrong func(row, why string)) pageTable {
	t := pageTable{}
	for who, paths := range rows {
		for _, row := range paths {
			path := strings.TrimSuffix(row, "*")
			switch err := route.CheckPath(path); {
			case err != nil:
				wrong(row, "is no path: "+err.Error())
			case strings.ContainsAny(path, "*?#") || path != row && !strings.HasSuffix(path, "/"):
				wrong(row, "is neither a path nor one that ends in /*")
			case underAPI(path) || almostAPI(path) || strings.HasPrefix(path, assetsDir):
				wrong(row, "is under /api or /assets, which have no pages")
			case slices.ContainsFunc(Endpoints(), func(e Endpoint) bool { return e.Path == row }):
				wrong(row, "is the server's own")
			case has(row):
				// It would be everybody's, whatever is said here.
				wrong(row, "is a file, and files are for anyone")
			case t[row] != "":
				wrong(row, "is there twice")
			default:
				t[row] = who
			}
		}
	}
	if row, _ := t.find("/"); row == "" {
		wrong("/", "is missing")
	}
	if _, who := t.find(signInPage); who != anyone {
		// For members only, it would redirect to itself.
		wrong(signInPage, "must be for anyone: who is not signed in is sent there")
	}
	return t
}
