package operator

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// controlFile is what a server in embedded mode leaves in DATA_DIR.
func controlFile(s *site.Harness) string { return filepath.Join(s.Env["DATA_DIR"], "control.json") }

func tokenIn(control []byte) string {
	var at struct{ Token string }
	_ = json.Unmarshal(control, &at)
	return at.Token
}

// Every account and every web page of the machine can knock at a loopback
// port.
func TestControlChannelRefusesWhoIsNoOperator(t *testing.T) {
	s := site.Embedded(t).Start()
	s.Operator().CreateUser("boss@example.com", "admin")
	if info, err := os.Stat(controlFile(s)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	var at struct{ Address, Token string }
	text, err := os.ReadFile(controlFile(s))
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if host, _, _ := net.SplitHostPort(at.Address); err != nil || host != "127.0.0.1" || len(at.Token) != 43 {
		t.Fatalf("%s, %v", text, err)
	}
	_, port, _ := net.SplitHostPort(at.Address)
	const list = `{"Verb":"list"}`
	for name, c := range map[string]struct {
		change func(*http.Request)
		body   string
		status int
	}{
		"right":               {func(*http.Request) {}, list, 200},
		"no token":            {func(r *http.Request) { r.Header.Del("Authorization") }, list, 401},
		"empty token":         {func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, list, 401},
		"wrong token":         {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.Repeat("A", 43)) }, list, 401},
		"part of the token":   {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+at.Token[:42]) }, list, 401},
		"token and more":      {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+at.Token+"A") }, list, 401},
		"another scheme":      {func(r *http.Request) { r.SetBasicAuth("", at.Token) }, list, 401},
		"rebound name":        {func(r *http.Request) { r.Host = "evil.example:" + port }, list, 421},
		"localhost":           {func(r *http.Request) { r.Host = "localhost:" + port }, list, 421},
		"another port":        {func(r *http.Request) { r.Host = "127.0.0.1:1" }, list, 421},
		"a page":              {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, list, 403},
		"a page of no origin": {func(r *http.Request) { r.Header.Set("Origin", "null") }, list, 403},
		"our own page":        {func(r *http.Request) { r.Header.Set("Origin", s.Env["PUBLIC_URL"]) }, list, 403},
		"a link":              {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, list, 403},
		"another path":        {func(r *http.Request) { r.URL.Path = "/" }, list, 404},
		"another method":      {func(r *http.Request) { r.Method = "GET" }, list, 405},
		"no body":             {func(*http.Request) {}, "", 400},
		"no JSON":             {func(*http.Request) {}, "list", 400},
		"unknown field":       {func(*http.Request) {}, `{"Verb":"list","Force":true}`, 400},
		"just small enough":   {func(*http.Request) {}, list + strings.Repeat(" ", 64<<10-len(list)), 200},
		"too big":             {func(*http.Request) {}, list + strings.Repeat(" ", 64<<10-len(list)+1), 413},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+at.Address+"/command", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+at.Token)
		c.change(r)
		a, err := site.Read((&http.Transport{DisableKeepAlives: true}).RoundTrip(r))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if listed := strings.Contains(a.Text, "boss@example.com"); a.StatusCode != c.status || listed != (c.status == 200) {
			t.Errorf("%s: %d %s, want %d", name, a.StatusCode, a.Text, c.status)
		}
	}
	if strings.Contains(s.Logs.String(), at.Token) {
		t.Error("the token is in the log")
	}
	s.Stop()
	if _, err := os.Stat(controlFile(s)); !os.IsNotExist(err) {
		t.Errorf("after the end: %v", err)
	}
	if c, err := net.Dial("tcp", at.Address); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// Who holds the token may come slowly, and does not hold up the end.
func TestControlChannelWaitsForNobody(t *testing.T) {
	s := site.Embedded(t).Start()
	text, err := os.ReadFile(controlFile(s))
	if err != nil {
		t.Fatal(err)
	}
	var at struct{ Address, Token string }
	if err := json.Unmarshal(text, &at); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /command HTTP/1.1\r\nHost: "+at.Address+"\r\nAuthorization: Bearer "+at.Token+"\r\nContent-Length: 100\r\n\r\n{")
	began := time.Now()
	s.Stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %s", took)
	}
}

// A server that was killed leaves its file, and somebody else may have its
// port by now. That one must not be told passwords.
func TestControlFileOfAServerThatWasKilled(t *testing.T) {
	s := site.Embedded(t)
	thief, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	heard := make(chan struct{}, 9)
	go func() {
		for {
			conn, err := thief.Accept()
			if err != nil {
				return
			}
			heard <- struct{}{}
			conn.Close()
		}
	}()
	leave := func(text string) {
		t.Helper()
		if err := os.WriteFile(controlFile(s), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stale := `{"address":"` + thief.Addr().String() + `","token":"` + strings.Repeat("A", 43) + `"}`
	leave(stale)
	d := s.Operator()
	d.CreateUser("ada@example.com", "user")
	if _, err := os.Stat(controlFile(s)); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	leave(stale)
	s.Start()
	d.CreateUser("eve@example.com", "user")
	if len(heard) > 0 {
		t.Error("the thief was asked")
	}

	// A server, and nobody at the address: what a start looks like.
	closed := site.FreeAddr(t)
	for name, text := range map[string]string{
		"refused": `{"address":"` + closed + `","token":"x"}`, "damaged": "{", "empty": "{}",
	} {
		leave(text)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := d.Run(ctx, operator.Command{Verb: operator.ListUsers})
		cancel()
		if err == nil || !strings.Contains(err.Error(), s.Env["DATA_DIR"]) || !strings.Contains(err.Error(), "no server takes commands there") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// In the wrong working directory a command must not make a DATA_DIR and say
// that there is no such account.
func TestOperatorInTheWrongPlace(t *testing.T) {
	s := site.Embedded(t)
	s.Env["DATA_DIR"] = filepath.Join(t.TempDir(), "elsewhere")
	for _, c := range []operator.Command{{Verb: operator.ListUsers}, {Verb: operator.DisableUser, Email: "ada@example.com"}} {
		s.Operator().WantRefused(c, "no accounts in "+s.Env["DATA_DIR"], "DATA_DIR")
	}
	if _, err := os.Stat(s.Env["DATA_DIR"]); !os.IsNotExist(err) {
		t.Errorf("it was made: %v", err)
	}
}
