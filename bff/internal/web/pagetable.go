package web

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
)

// pageTable says which paths are pages, and who they are for. A key that ends
// in /* is every path below.
type pageTable map[string]access

// ownPages are those of the app in spa/; its router has the same list. What is
// not here is the app's 404.
var ownPages = pageTable{
	"/":          anyone,
	"/signup":    anyone,
	"/signin":    anyone,
	"/dashboard": members,
	"/account":   members,
	// The app tells members who are no administrators that it is not for them.
	"/admin/users": members,
	"/admin/audit": members,
}

// find gives the row that a path is in, the longest one; "" when it is no page.
func (t pageTable) find(path string) (row string, who access) {
	if who, ok := t[path]; ok {
		return path, who
	}
	for at := strings.LastIndexByte(path, '/'); at >= 0; at = strings.LastIndexByte(path[:at], '/') {
		row := path[:at] + "/*"
		who, ok := t[row]
		switch {
		case !ok:
		case row == "/*" && looksLikeFile(path):
			// A script of an older build, say. Below a row that names a
			// folder a dot is data: /people/ada@example.com.
			return "", ""
		default:
			return row, who
		}
	}
	return "", ""
}

// appFile is what an app may say of itself, beside its index.html.
const appFile = "gatehouse.json"

// readPageTable reads an app's own table and reports every mistake in it: a
// page that is guarded by nobody's intention is noticed by nobody.
func readPageTable(text []byte) (pageTable, error) {
	var file struct {
		Pages struct {
			Anyone  []string `json:"anyone"`
			Members []string `json:"members"`
		} `json:"pages"`
	}
	if err := json.Unmarshal(text, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%s: %w", appFile, err)
	}
	t := pageTable{}
	var mistakes []error
	wrong := func(row, why string) { mistakes = append(mistakes, fmt.Errorf("%s: %q %s", appFile, row, why)) }
	for who, rows := range map[access][]string{anyone: file.Pages.Anyone, members: file.Pages.Members} {
		for _, row := range rows {
			path := strings.TrimSuffix(row, "*")
			switch err := proxy.CheckPath(path); {
			case err != nil:
				wrong(row, "is no path: "+err.Error())
			case strings.ContainsAny(path, "*?#") || path != row && !strings.HasSuffix(path, "/"):
				wrong(row, "is neither a path nor one that ends in /*")
			case underAPI(path) || almostAPI(path) || strings.HasPrefix(path, assetsDir):
				wrong(row, "is under /api or /assets, which have no pages")
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
	// In an order that does not change from start to start.
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return t, errors.Join(mistakes...)
}
