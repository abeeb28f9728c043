package sqlchecks

import (
	"regexp"
	"slices"
	"strings"
)

// Rights that the queries need, and those that migrations need besides.
var (
	serveRights   = []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
	migrateRights = []string{"CREATE", "ALTER", "INDEX", "DROP", "CREATE TEMPORARY TABLES"}
)

// Tables are the tables that migrations leave behind.
var Tables = []string{"goose_db_version", "guards", "leases", "login_audit", "settlements", "users"}

// grants is what SHOW GRANTS says of one database, of MariaDB and MySQL alike.
type grants struct {
	everywhere, here map[string]bool
	// withdrawn: MySQL can take a right to every database back for one of them.
	withdrawn map[string]bool
	tables    map[string]map[string]bool
	// roles are granted; their rights count only where the role is active.
	roles []string
}

const (
	quoted    = "`(?:[^`]|``)*`"
	allRights = "ALL PRIVILEGES"
)

var (
	grantLine = regexp.MustCompile(`^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(\*|` + quoted + `)\.(\*|` + quoted + `) (?:TO|FROM) `)
	roleLine  = regexp.MustCompile("^GRANT ((?:[`'][^`']*[`'](?:@[`'][^`']*[`'])?,? ?)+) TO ")
)

// parseGrants reads lines of SHOW GRANTS. Those about columns, routines and
// proxies say nothing that is needed. The lines must not be shown: MariaDB's have
// the hash of the password.
func parseGrants(lines []string, database string) grants {
	g := grants{everywhere: map[string]bool{}, here: map[string]bool{}, withdrawn: map[string]bool{}, tables: map[string]map[string]bool{}}
	for _, line := range lines {
		if m := roleLine.FindStringSubmatch(line); m != nil {
			g.roles = append(g.roles, strings.ReplaceAll(strings.TrimSpace(m[1]), "`", ""))
			continue
		}
		m := grantLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		into := g.everywhere
		switch on, table := m[3], m[4]; {
		case on == "*":
		case table != "*":
			if !strings.EqualFold(unquoted(on), database) {
				continue
			}
			name := unquoted(table)
			if g.tables[name] == nil {
				g.tables[name] = map[string]bool{}
			}
			into = g.tables[name]
		case !likeName(unquoted(on), database):
			continue
		default:
			into = g.here
		}
		if m[1] == "REVOKE" {
			into = g.withdrawn
		}
		for _, right := range splitRights(m[2]) {
			into[right] = true
		}
	}
	return g
}

func unquoted(name string) string {
	return strings.ReplaceAll(name[1:len(name)-1], "``", "`")
}

// splitRights splits at commas outside of parentheses. A right with columns in
// parentheses is not one to the table.
func splitRights(list string) (rights []string) {
	depth, start := 0, 0
	for i := 0; i <= len(list); i++ {
		if i == len(list) || list[i] == ',' && depth == 0 {
			if right := strings.ToUpper(strings.TrimSpace(list[start:i])); !strings.Contains(right, "(") {
				rights = append(rights, right)
			}
			start = i + 1
			continue
		}
		switch list[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	return rights
}

// likeName matches a database's name with that of a grant, which is a pattern:
// % is any text, _ any character, and \ takes the meaning from both.
func likeName(pattern, name string) bool {
	var b strings.Builder
	b.WriteString("(?is)^")
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			i++
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case c == '%':
			b.WriteString(".*")
		case c == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	matched, err := regexp.MatchString(b.String()+"$", name)
	return err == nil && matched
}

// allows reports whether the account has a right to the whole database, or to
// every one of tables.
func (g grants) allows(right string, tables ...string) bool {
	has := func(set map[string]bool) bool { return set[right] || set[allRights] }
	if has(g.here) || has(g.everywhere) && !has(g.withdrawn) {
		return true
	}
	return len(tables) > 0 && !slices.ContainsFunc(tables, func(t string) bool { return !has(g.tables[t]) })
}

// missing are the rights that the account lacks. Only those that queries need may
// be granted table by table: migrations make new ones.
func (g grants) missing(rights []string, tables ...string) (missing []string) {
	for _, right := range rights {
		if !g.allows(right, tables...) {
			missing = append(missing, right)
		}
	}
	return missing
}
