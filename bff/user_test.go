package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

const operatorsPassword = "a harbour at dawn"

// operate runs `gatehouse user`, with something on standard input.
func operate(t *testing.T, env map[string]string, stdin io.Reader, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), process{
		args: append([]string{"user"}, args...), getenv: func(name string) string { return env[name] }, now: time.Now,
		stdin: stdin, stdout: &stdout, stderr: &stderr, hashCost: 4,
	})
	return result{code, stdout.String(), stderr.String()}
}

// untouched is a standard input that must not be read.
func untouched(t *testing.T) io.Reader {
	t.Helper()
	return iotest.ErrReader(errors.New("standard input was read"))
}

func TestUserVerbsHaveHelp(t *testing.T) {
	t.Parallel()
	broken := map[string]string{"PUBLIC_URL": "nonsense"}
	for _, how := range []string{"--help", "-help", "-h"} {
		all := operate(t, broken, untouched(t), how)
		all.want(t, how, 0, "Usage: gatehouse user VERB", "")
		for _, v := range userVerbs() {
			all.want(t, how, 0, "\n  "+v.name+" ", "")
			usage := "Usage: gatehouse " + strings.Join(append([]string{"user", v.name}, v.arguments...), " ") + " [flags]\n"
			operate(t, broken, untouched(t), v.name, how).want(t, v.name+" "+how, 0, usage, "")
			operate(t, broken, untouched(t), v.name, "ada@example.com", how).want(t, v.name+" EMAIL "+how, 0, usage, "")
		}
	}
	operate(t, broken, untouched(t), operator.CreateUser, "--help").want(t, "the flags", 0, "user or admin (default \"user\")", "")
}

func TestUserVerbsRefuseWrongUsage(t *testing.T) {
	t.Parallel()
	// Nothing of this gets as far as the configuration or the password.
	broken := map[string]string{"PUBLIC_URL": "nonsense"}
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "say what to do"},
		{"--", "say what to do"},
		{"--no-such-flag", "flag provided but not defined: -no-such-flag"},
		{"delete ada@example.com", `there is no verb "delete"`},
		{"Disable ada@example.com", `there is no verb "Disable"`},
		{"create", "EMAIL is missing"},
		{"create --role admin", "EMAIL is missing"},
		{"create ada@example.com --role", "flag needs an argument: -role"},
		{"create ada@example.com --role root", `there is no role "root"; choose user or admin`},
		{"create ada@example.com --role=Admin", `there is no role "Admin"`},
		{"create ada@example.com password", `unexpected argument "password"`},
		{"create ada@example.com --password=x", "flag provided but not defined: -password"},
		{"create ada@example.com -- --role=admin", `unexpected argument "--role=admin"`},
		{"create -- ada@example.com --role=admin", `unexpected argument "--role=admin"`},
		{"list ada", `unexpected argument "ada"`},
		{"list --role admin", "flag provided but not defined: -role"},
		{"set-role", "EMAIL is missing"},
		{"set-role ada@example.com", "ROLE is missing"},
		{"set-role ada@example.com root", `there is no role "root"; choose user or admin`},
		{"set-role admin ada@example.com", `there is no role "ada@example.com"`},
		{"set-role ada@example.com admin now", `unexpected argument "now"`},
		{"disable", "EMAIL is missing"},
		{"enable", "EMAIL is missing"},
		{"set-password", "EMAIL is missing"},
		{"sign-out", "EMAIL is missing"},
		{"sign-out ada@example.com --all", "flag provided but not defined: -all"},
	} {
		operate(t, broken, untouched(t), strings.Fields(c.args)...).want(t, c.args, exitUsage, "", c.want)
	}
	operate(t, broken, untouched(t), "set-role", "ada@example.com", "").want(t, "an empty role", exitUsage, "", `there is no role ""`)
	operate(t, broken, untouched(t), "create", "ada@example.com", "--role=").want(t, "an empty role", exitUsage, "", `there is no role ""`)
}

// The configuration is checked before the user types a password.
func TestUserVerbsCheckTheConfigurationFirst(t *testing.T) {
	t.Parallel()
	env, complaints := manyMistakes(t)
	for _, v := range userVerbs() {
		args := []string{v.name, "ada@example.com", "admin"}[:1+len(v.arguments)]
		for _, want := range complaints {
			operate(t, env, untouched(t), args...).want(t, v.name, exitFailed, "", want)
		}
	}
}

func TestUserVerbs(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATA_DIR": t.TempDir(), "OPS_ADDR": "off"}
	for _, c := range []struct {
		args, stdin    string
		code           int
		stdout, stderr string
	}{
		{"list", "", 1, "", "there are no accounts in "},
		{"disable ada@example.com", "", 1, "", "there are no accounts in "},
		{"create ada@example.com", "", 1, "", "no password: write it to standard input"},
		{"create ada@example.com", "\n", 1, "", "no password"},
		{"create ada@example.com", "\r\n", 1, "", "no password"},
		{"create ada@example.com", "\ufeff\r\n", 1, "", "no password"},
		{"create ada@example.com", "\xff\xfea\x00b\x00", 1, "", "UTF-16"},
		{"create ada@example.com", "\ufeffseven77", 1, "", "Use at least 8 characters."},
		{"create ada@example.com", "short", 1, "", "validation_failed: password: Use at least 8 characters."},
		{"create ada@example.com", operatorsPassword + "\n\n", 1, "", "password: The password holds a control character."},
		{"create ada@example.com", operatorsPassword + "\nsecond line\n", 1, "", "password: The password holds a control character."},
		{"create ada@example.com", strings.Repeat("far too long ", 400), 1, "", "too long for a password"},
		{"create ada@example.com", "a harb\xf6ur at dawn", 1, "", "not valid text"},
		{"create nonsense", operatorsPassword, 1, "", "validation_failed: email: "},
		{"create ada@example.com --role=admin --name Ada", operatorsPassword + "\n", 0, "created ada@example.com, role admin, id ", ""},
		{"create --name Eve --role user eve@example.com", operatorsPassword + "\r\n", 0, "created eve@example.com, role user, id ", ""},
		{"create --role=admin -- -dash@example.com", "--role=admin", 0, "created -dash@example.com, role admin, id ", ""},
		{"create ADA@example.com", operatorsPassword, 1, "", "email_taken: there is an account with the email ADA@example.com"},
		{"list", "", 0, "ada@example.com    Ada   admin  yes     20", ""},
		{"list --search EVE", "", 0, "eve@example.com  Eve   user  yes     20", ""},
		{"set-role -- -dash@example.com user", "", 0, "-dash@example.com is user now\n", ""},
		{"set-role ada@example.com user", "", 1, "", "gatehouse user: last_admin: This is the last active administrator."},
		{"disable ada@example.com", "", 1, "", "last_admin: "},
		{"set-role eve@example.com admin", "", 0, "eve@example.com is admin now\n", ""},
		{"disable ada@example.com", "", 0, "ada@example.com is disabled, and signed out everywhere\n", ""},
		{"enable ada@example.com", "", 0, "ada@example.com is enabled\n", ""},
		{"set-password ada@example.com", "a harbour at dusk", 0, "ada@example.com has the new password, and is signed out everywhere\n", ""},
		{"set-password ada@example.com", "12345678", 1, "", "validation_failed: password: This password is too easy to guess."},
		{"set-password nobody@example.com", operatorsPassword, 1, "", "not_found: there is no account with the email nobody@example.com"},
		{"sign-out ada@example.com", "", 0, "ada@example.com is signed out everywhere\n", ""},
		{"sign-out nobody@example.com", "", 1, "", "not_found: "},
	} {
		got := operate(t, env, strings.NewReader(c.stdin), strings.Fields(c.args)...)
		got.want(t, c.args, c.code, c.stdout, c.stderr)
		if pw := strings.TrimSpace(c.stdin); pw != "" && pw != "--role=admin" && strings.Contains(got.stdout+got.stderr, pw) {
			t.Errorf("%s: the password is shown: %s%s", c.args, got.stdout, got.stderr)
		}
	}
	operate(t, env, nil, "create", "ada@example.com").want(t, "no standard input", exitFailed, "", "no password")
	operate(t, env, untouched(t), "create", "ada@example.com").want(t, "a broken one", exitFailed, "", "read the password: standard input was read")
}

// `user list` migrated the production schema, before its servers were replaced.
func TestUserVerbsLeaveTablesOfAnotherVersionAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"DATA_DIR": dir, "OPS_ADDR": "off"}
	// As a version left it that had no tables yet.
	if err := os.WriteFile(filepath.Join(dir, "gatehouse.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range userVerbs() {
		args := []string{v.name}
		for _, a := range v.arguments {
			args = append(args, map[string]string{"EMAIL": "ada@example.com", "ROLE": "user"}[a])
		}
		got := operate(t, env, strings.NewReader(operatorsPassword), args...)
		got.want(t, v.name, 1, "", "run `gatehouse migrate`")
	}
	gatehouse(t, env, "migrate").want(t, "migrate", 0, "", "")
	operate(t, env, nil, "list").want(t, "list", 0, "EMAIL", "")
}
