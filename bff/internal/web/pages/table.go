package pages

import "strings"

// table says which paths are pages, and who they are for. A key that ends
// in /* is every path below.
type table map[string]Access

// ownPages are those of the app in spa/; its router has the same list. What is
// not here is the app's 404.
var ownPages = table{
	"/":          Anyone,
	"/signup":    Anyone,
	"/signin":    Anyone,
	"/dashboard": Members,
	"/account":   Members,
	// The app tells members who are no administrators that it is not for them.
	"/admin/users": Members,
	"/admin/audit": Members,
}

// find gives the row that a path is in, the longest one; "" when it is no page.
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
