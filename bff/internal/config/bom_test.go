package config_test

import (
	"os"
	"strings"
	"testing"
)

const byteOrderMark = "\ufeff"

// Windows editors and PowerShell write a byte order mark: it became part of the
// value, and of a secret that only this instance had.
func TestByteOrderMarksAreNotPartOfValues(t *testing.T) {
	e := production().with(environment{
		"MYSQL_DSN": "", "MYSQL_DSN_FILE": writeFile(t, byteOrderMark+dsnCanary+"\r\n"),
		"JWT_ACCESS_SECRET": "", "JWT_ACCESS_SECRET_FILE": writeFile(t, byteOrderMark+accessCanary+","+olderCanary+"\n"),
		"JWT_REFRESH_SECRET": byteOrderMark + refreshCanary,                                                                    // of a shell's $(cat …)
		"IDENTITY_KEY":       "", "IDENTITY_KEY_FILE": writeFile(t, byteOrderMark+identityCanary+byteOrderMark+identityCanary), // of two files
	})
	c := load(t, e)
	if got := c.MySQLDSN.Reveal(); got != dsnCanary {
		t.Errorf("MYSQL_DSN is %q", got)
	}
	if len(c.AccessSecrets) != 2 || c.AccessSecrets[0].Reveal() != accessCanary || c.RefreshSecrets[0].Reveal() != refreshCanary {
		t.Errorf("a secret has the mark")
	}
	if got := c.IdentityKey.Reveal(); strings.Contains(got, byteOrderMark) || strings.Count(got, "-----BEGIN ") != 2 {
		t.Errorf("IDENTITY_KEY is %q", got)
	}
}

func TestTextThatIsNotUTF8IsNamed(t *testing.T) {
	onlyMistake(t, "a file in UTF-16", production().with(environment{"ROUTES_FILE_FILE": writeFile(t, "\xff\xfeg\x00a\x00")}), "UTF-16")
	huge := writeFile(t, "")
	if err := os.Truncate(huge, 17<<20); err != nil {
		t.Fatal(err)
	}
	onlyMistake(t, "a file that is too big", production().with(environment{"ROUTES_FILE_FILE": huge}), "16 MiB")
	onlyMistake(t, "a secret put together from two files", production().with(environment{"JWT_ACCESS_SECRET": accessCanary + "," + byteOrderMark + olderCanary}),
		"JWT_ACCESS_SECRET has a byte order mark inside")
}
