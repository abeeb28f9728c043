package pages

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// appFile is the file in which an app describes itself, beside its index.html.
const appFile = "gatehouse.json"

type appFacts struct {
	table table
	// policies are the Trusted Types policies that it may make: Lit does not
	// start without its own, and Vue draws no static parts. Each may be made once,
	// so that a script that comes later does not get one.
	policies []string
}

var policyName = regexp.MustCompile(`^[A-Za-z0-9\-#=_/@.%]+$`)

// readAppFile reads an app's description of itself and reports every mistake in it:
// a page that is open by mistake goes unnoticed. check refuses
// paths that are not for pages, has tells which files there are.
func readAppFile(text []byte, check func(path string) error, has func(path string) bool) (appFacts, error) {
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
		// The default policy gets every string there is: it would switch Trusted
		// Types off.
		if name == "default" || !policyName.MatchString(name) {
			wrong(name, "is not a name of a Trusted Types policy that may be made")
		}
	}
	if file.Pages != nil {
		facts.table = readPageTable(map[Access][]string{Anyone: file.Pages.Anyone, Members: file.Pages.Members}, check, has, wrong)
	}
	// The order is the same at every start.
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return facts, errors.Join(mistakes...)
}

func readPageTable(rows map[Access][]string, check func(path string) error, has func(path string) bool, wrong func(row, why string)) table {
	t := table{}
	for who, paths := range rows {
		for _, row := range paths {
			path := strings.TrimSuffix(row, "*")
			switch err := check(path); {
			case strings.ContainsAny(path, "*?#") || path != row && !strings.HasSuffix(path, "/"):
				wrong(row, "is neither a path nor one that ends in /*")
			case err != nil:
				wrong(row, err.Error())
			case strings.HasPrefix(path, assetsDir):
				wrong(row, "is under /assets, which has no pages")
			case has(row):
				// It would be served to anyone, with or without this row.
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
	if _, who := t.find(SignIn); who != Anyone {
		// For members only, it would redirect to itself.
		wrong(SignIn, "must be for anyone: requests without a session are redirected there")
	}
	return t
}
