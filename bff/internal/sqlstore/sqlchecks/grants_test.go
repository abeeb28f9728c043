package sqlchecks

import (
	"slices"
	"strings"
	"testing"
)

const everything = "CREATE ALTER INDEX DROP CREATE TEMPORARY TABLES"

func TestGrantsAreReadAsServersPrintThem(t *testing.T) {
	const usage = "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*canary'"
	perTable := []string{usage}
	for _, table := range Tables {
		perTable = append(perTable, "GRANT SELECT, INSERT, UPDATE, DELETE ON `gatehouse`.`"+table+"` TO `app`@`%`")
	}
	for name, c := range map[string]struct {
		lines          []string
		serve, migrate string // what is missing
		roles          string
	}{
		"MariaDB, all on the database":   {[]string{usage, "GRANT ALL PRIVILEGES ON `gatehouse`.* TO `app`@`%`"}, "", "", ""},
		"MySQL 8, all on the database":   {[]string{"GRANT USAGE ON *.* TO `app`@`%`", "GRANT ALL PRIVILEGES ON `gatehouse`.* TO `app`@`%` WITH GRANT OPTION"}, "", "", ""},
		"MySQL 5.7, another quotation":   {[]string{"GRANT USAGE ON *.* TO 'app'@'%'", "GRANT ALL PRIVILEGES ON `gatehouse`.* TO 'app'@'%'"}, "", "", ""},
		"all on everything":              {[]string{"GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA unix_socket WITH GRANT OPTION", "GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION"}, "", "", ""},
		"MySQL 8, all on everything":     {[]string{"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES ON *.* TO `root`@`localhost` WITH GRANT OPTION", "GRANT BACKUP_ADMIN,CLONE_ADMIN ON *.* TO `root`@`localhost` WITH GRANT OPTION"}, "", "", ""},
		"the queries' rights alone":      {[]string{usage, "GRANT SELECT, INSERT, UPDATE, DELETE ON `gatehouse`.* TO `app`@`%`"}, "", everything, ""},
		"reading alone":                  {[]string{usage, "GRANT SELECT ON `gatehouse`.* TO `app`@`%`"}, "INSERT UPDATE DELETE", everything, ""},
		"nothing":                        {[]string{usage}, "SELECT INSERT UPDATE DELETE", everything, ""},
		"another database":               {[]string{usage, "GRANT ALL PRIVILEGES ON `gatehouse2`.* TO `app`@`%`"}, "SELECT INSERT UPDATE DELETE", everything, ""},
		"a pattern":                      {[]string{usage, "GRANT ALL PRIVILEGES ON `gate%`.* TO `app`@`%`"}, "", "", ""},
		"a pattern that does not match":  {[]string{usage, "GRANT ALL PRIVILEGES ON `gate\\_%`.* TO `app`@`%`"}, "SELECT INSERT UPDATE DELETE", everything, ""},
		"table by table":                 {perTable, "", everything, ""},
		"a table short":                  {perTable[:len(perTable)-1], "SELECT INSERT UPDATE DELETE", everything, ""},
		"tables of another database":     {[]string{"GRANT ALL PRIVILEGES ON `other`.`users` TO `app`@`%`"}, "SELECT INSERT UPDATE DELETE", everything, ""},
		"columns":                        {[]string{"GRANT SELECT (`id`, `email`), INSERT, UPDATE, DELETE ON `gatehouse`.* TO `app`@`%`"}, "SELECT", everything, ""},
		"a routine":                      {[]string{"GRANT EXECUTE ON PROCEDURE `gatehouse`.`p` TO `app`@`%`"}, "SELECT INSERT UPDATE DELETE", everything, ""},
		"MySQL 8, a partial revoke":      {[]string{"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, CREATE TEMPORARY TABLES ON *.* TO `app`@`%`", "REVOKE DELETE, DROP ON `gatehouse`.* FROM `app`@`%`"}, "DELETE", "DROP", ""},
		"a partial revoke elsewhere":     {[]string{"GRANT ALL PRIVILEGES ON *.* TO `app`@`%`", "REVOKE DELETE ON `mysql`.* FROM `app`@`%`"}, "", "", ""},
		"a role that is active, MariaDB": {[]string{"GRANT `writers` TO `app`@`%`", usage, "GRANT USAGE ON *.* TO `writers`", "GRANT SELECT, INSERT, UPDATE, DELETE ON `gatehouse`.* TO `writers`"}, "", everything, "writers"},
		"a role that is not, MySQL 8":    {[]string{"GRANT USAGE ON *.* TO `app`@`%`", "GRANT `readers`@`%`,`writers`@`%` TO `app`@`%`"}, "SELECT INSERT UPDATE DELETE", everything, "readers@%,writers@%"},
	} {
		g := parseGrants(c.lines, "gatehouse")
		if got := strings.Join(g.missing(serveRights, Tables...), " "); got != c.serve {
			t.Errorf("%s: serve lacks %q, want %q", name, got, c.serve)
		}
		if got := strings.Join(g.missing(migrateRights), " "); got != c.migrate {
			t.Errorf("%s: migrate lacks %q, want %q", name, got, c.migrate)
		}
		if got := strings.Join(g.roles, " "); got != c.roles {
			t.Errorf("%s: roles %q, want %q", name, got, c.roles)
		}
	}
}

func TestNamesInGrantsArePatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"gatehouse", "gatehouse", true},
		{"gatehouse", "Gatehouse", true},
		{"gatehouse", "gatehouse2", false},
		{"gate_house", "gate.house", true},
		{`gate\_house`, "gate_house", true},
		{`gate\_house`, "gate.house", false},
		{"%", "anything", true},
		{"a.c", "abc", false},
		{"a+", "aa", false},
	} {
		if got := likeName(c.pattern, c.name); got != c.want {
			t.Errorf("%s like %s: %t", c.name, c.pattern, got)
		}
	}
}

func TestSplitRights(t *testing.T) {
	got := splitRights("SELECT, INSERT (a, b), Create Temporary Tables,UPDATE")
	if want := []string{"SELECT", "CREATE TEMPORARY TABLES", "UPDATE"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
