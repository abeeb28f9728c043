package operator

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/term"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// userCommand is an operator's command beside b, by the same program and with the
// same environment.
func userCommand(b *site.Binary, args ...string) *exec.Cmd {
	c := exec.Command(b.Cmd.Path, append([]string{"user"}, args...)...)
	c.Env = b.Cmd.Env
	return c
}

// runUserCommand runs one, and gives what it says.
func runUserCommand(b *site.Binary, stdin string, code int, args ...string) string {
	b.T.Helper()
	c := userCommand(b, args...)
	c.Stdin = strings.NewReader(stdin)
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code {
		b.T.Errorf("user %q: exit code %d, want %d; it said:\n%s", args, got, code, out)
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

func TestOperatorsBinary(t *testing.T) {
	file := site.BuildBinary(t)
	for name, test := range map[string]func(*testing.T, string){
		"beside a server": operatorBesideAServer, "after a kill": operatorAfterAKill, "at a terminal": operatorAtATerminal,
	} {
		t.Run(name, func(t *testing.T) { test(t, file) })
	}
}

func operatorBesideAServer(t *testing.T, file string) {
	s := site.StartBinary(t, file)
	runUserCommand(s, site.Password+"\n", 0, "create", "ada@example.com", "--role=admin")
	with := s.SignInTokens("ada@example.com")
	if role, _ := roleOf(s.Harness, with); role != "admin" {
		t.Errorf("role %q", role)
	}
	if out := runUserCommand(s, "", 1, "disable", "ada@example.com"); !strings.Contains(out, "last_admin") {
		t.Errorf("%s", out)
	}
	runUserCommand(s, "", 0, "sign-out", "ada@example.com")
	s.Get("/api/auth/me", with).WantSignedOut(t, "session_revoked")
	if strings.Contains(s.Logs.String(), site.Password) {
		t.Errorf("logged:\n%s", s.Logs)
	}
}

func operatorAfterAKill(t *testing.T, file string) {
	s := site.NewBinary(t, file)
	s.Run()
	with := s.MemberTokens("ada@example.com")
	if err := s.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.Exited
	if _, err := os.Lstat(filepath.Join(s.DataDir(), operator.SocketFolder, "socket")); err != nil {
		t.Errorf("the socket of a server that was killed: %v", err)
	}
	runUserCommand(s, "", 0, "disable", "ada@example.com")
	again := site.NewBinary(t, file)
	again.Cmd.Env, again.Base = s.Cmd.Env, s.Base
	again.Run()
	again.Get("/api/auth/me", with).WantSignedOut(t, "session_revoked")
	runUserCommand(again, "", 0, "enable", "ada@example.com") // over the socket, which has been replaced
	again.SignInTokens("ada@example.com")
}

// A password is asked for twice, and never shown.
func operatorAtATerminal(t *testing.T, file string) {
	s := site.StartBinary(t, file)
	const otherPassword = "two otters by the weir"
	for name, c := range map[string]struct {
		typed []string
		code  int
		says  string
	}{
		"twice the same":  {[]string{site.Password + "\r", site.Password + "\r"}, 0, "created "},
		"line feeds":      {[]string{site.Password + "\n", site.Password + "\n"}, 0, "created "},
		"mended":          {[]string{"a herom\x7fn on the mill pond\r", site.Password + "\r"}, 0, "created "},
		"not the same":    {[]string{site.Password + "\r", otherPassword + "\r"}, 1, "the two are not the same"},
		"nothing":         {[]string{"\r"}, 1, "no password was typed"},
		"interrupted":     {[]string{"a heron\x03"}, 1, "no password was typed"},
		"interrupted new": {[]string{site.Password + "\r", "\x03"}, 1, "no password was typed"},
		"end of input":    {[]string{"\x04"}, 1, "no password was typed"},
		"too easy":        {[]string{"password1\r", "password1\r"}, 1, "too easy to guess"},
	} {
		window, inside := terminal(t)
		email := strings.ReplaceAll(name, " ", ".") + "@example.com"
		cmd := userCommand(s, "create", email)
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
		var shown site.LockedBuffer
		end := make(chan struct{})
		go func() { _, _ = io.Copy(&shown, window); close(end) }()
		for i, text := range c.typed {
			question := []string{"Password: ", "The same again: "}[i]
			s.Eventually(name+": "+question, func() bool { return strings.Contains(shown.String(), question) })
			_, _ = io.WriteString(window, text)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		s.Eventually(name+": the end", closed(ended))
		after, err := term.GetState(int(inside.Fd()))
		if err != nil || *after != *before {
			t.Errorf("%s: the terminal is left as %v, was %v (%v)", name, after, before, err)
		}
		inside.Close()
		s.Eventually(name+": all that was shown", closed(end))
		if out := stdout.String() + shown.String(); cmd.ProcessState.ExitCode() != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: %v, %q", name, cmd.ProcessState, out)
		}
		if seen := shown.String(); strings.Contains(seen, "heron") || strings.Contains(seen, "otter") || strings.Contains(seen, "password1") {
			t.Errorf("%s: shown %q", name, seen)
		}
		if c.code == 0 {
			s.SignInTokens(email)
		}
	}
}
