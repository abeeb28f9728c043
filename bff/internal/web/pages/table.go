package pages

import "strings"

// table maps the paths of pages to who may open them. A key that ends in /* is
// every path below.
type table map[string]Access

// ownPages are those of the app in spa/; its router has the same list. Other paths
// get the app's 404.
var ownPages = table{
	"/":          Anyone,
	"/signup":    Anyone,
	"/signin":    Anyone,
	"/dashboard": Members,
	"/account":   Members,
	// The app tells members who are not administrators that it is not for them.
	"/admin/users": Members,
	"/admin/audit": Members,
}

// find returns the longest row that a path is in; "" when it is not a page.
func (t table) find(path string) (row string, who Access) {
	if who, ok := t[path]; ok {
		return path, who
	}
	for at := strings.LastIndexByte(path, '/'); at >= 0; at = strings.LastIndexByte(path[:at], '/') {
		row := path[:at] + "/*"
		who, ok := t[row]
		switch {
		case !ok:
		case row == "/*" && LooksLikeFile(path):
			// A script of an older build, say. Below a row that names a
			// folder a dot is data: /people/ada@example.com.
			return "", ""
		default:
			return row, who
		}
	}
	return "", ""
}
