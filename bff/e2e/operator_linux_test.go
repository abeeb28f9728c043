package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/term"
)

// command is an operator's command beside b, by the same program and with the
// same environment.
func (b *binary) command(args ...string) *exec.Cmd {
	c := exec.Command(b.cmd.Path, append([]string{"user"}, args...)...)
	c.Env = b.cmd.Env
	return c
}

// operator runs one, and gives what it says.
func (b *binary) operator(stdin string, code int, args ...string) string {
	b.t.Helper()
	c := b.command(args...)
	c.Stdin = strings.NewReader(stdin)
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code {
		b.t.Errorf("user %q: exit code %d, want %d; it said:\n%s", args, got, code, out)
	}
	return string(out)
}

func closed(c <-chan struct{}) func() bool {
	return func() bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
}

// dataDir is the product's.
func (b *binary) dataDir() string {
	i := slices.IndexFunc(b.cmd.Env, func(v string) bool { return strings.HasPrefix(v, "DATA_DIR=") })
	return strings.TrimPrefix(b.cmd.Env[i], "DATA_DIR=")
}

func TestOperatorsBinary(t *testing.T) {
	file := buildBinary(t)
	for name, test := range map[string]func(*testing.T, string){
		"beside a server": operatorBesideAServer, "after a kill": operatorAfterAKill, "at a terminal": operatorAtATerminal,
	} {
		t.Run(name, func(t *testing.T) { test(t, file) })
	}
}

func operatorBesideAServer(t *testing.T, file string) {
	s := startBinary(t, file)
	s.operator(goodPassword+"\n", 0, "create", "ada@example.com", "--role=admin")
	with := s.signedIn("ada@example.com")
	if role, _ := s.roleOf(with); role != "admin" {
		t.Errorf("role %q", role)
	}
	if out := s.operator("", 1, "disable", "ada@example.com"); !strings.Contains(out, "last_admin") {
		t.Errorf("%s", out)
	}
	s.operator("", 0, "sign-out", "ada@example.com")
	s.get("/api/auth/me", with).keptOut(t, "session_revoked")
	control, err := os.ReadFile(filepath.Join(s.dataDir(), "control.json"))
	for _, secret := range []string{goodPassword, tokenIn(control)} {
		if err != nil || secret == "" || strings.Contains(s.logs.String(), secret) {
			t.Errorf("%q, %v; logged:\n%s", secret, err, s.logs)
		}
	}
}

func operatorAfterAKill(t *testing.T, file string) {
	s := newBinary(t, file)
	s.run()
	with := s.somebody("ada@example.com")
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	if _, err := os.Stat(filepath.Join(s.dataDir(), "control.json")); err != nil {
		t.Errorf("the file of a server that was killed: %v", err)
	}
	s.operator("", 0, "disable", "ada@example.com")
	again := newBinary(t, file)
	again.cmd.Env, again.base = s.cmd.Env, s.base
	again.run()
	again.get("/api/auth/me", with).keptOut(t, "session_revoked")
}

// A password is asked for twice, and never shown.
func operatorAtATerminal(t *testing.T, file string) {
	s := startBinary(t, file)
	const otherPassword = "two otters by the weir"
	for name, c := range map[string]struct {
		typed []string
		code  int
		says  string
	}{
		"twice the same":  {[]string{goodPassword + "\r", goodPassword + "\r"}, 0, "created "},
		"line feeds":      {[]string{goodPassword + "\n", goodPassword + "\n"}, 0, "created "},
		"mended":          {[]string{"a herom\x7fn on the mill pond\r", goodPassword + "\r"}, 0, "created "},
		"not the same":    {[]string{goodPassword + "\r", otherPassword + "\r"}, 1, "the two are not the same"},
		"nothing":         {[]string{"\r"}, 1, "no password was typed"},
		"interrupted":     {[]string{"a heron\x03"}, 1, "no password was typed"},
		"interrupted new": {[]string{goodPassword + "\r", "\x03"}, 1, "no password was typed"},
		"end of input":    {[]string{"\x04"}, 1, "no password was typed"},
		"too easy":        {[]string{"password1\r", "password1\r"}, 1, "too easy to guess"},
	} {
		window, inside := terminal(t)
		email := strings.ReplaceAll(name, " ", ".") + "@example.com"
		cmd := s.command("create", email)
		var stdout bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = inside, &stdout, inside
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		before, err := term.GetState(int(inside.Fd()))
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		var shown lockedBuffer
		end := make(chan struct{})
		go func() { _, _ = io.Copy(&shown, window); close(end) }()
		for i, text := range c.typed {
			question := []string{"Password: ", "The same again: "}[i]
			s.eventually(name+": "+question, func() bool { return strings.Contains(shown.String(), question) })
			_, _ = io.WriteString(window, text)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		s.eventually(name+": the end", closed(ended))
		after, err := term.GetState(int(inside.Fd()))
		if err != nil || *after != *before {
			t.Errorf("%s: the terminal is left as %v, was %v (%v)", name, after, before, err)
		}
		inside.Close()
		s.eventually(name+": all that was shown", closed(end))
		if out := stdout.String() + shown.String(); cmd.ProcessState.ExitCode() != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: %v, %q", name, cmd.ProcessState, out)
		}
		if seen := shown.String(); strings.Contains(seen, "heron") || strings.Contains(seen, "otter") || strings.Contains(seen, "password1") {
			t.Errorf("%s: shown %q", name, seen)
		}
		if c.code == 0 {
			s.signedIn(email)
		}
	}
}
