package journey

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

const backendsPage = "bff/docs/backends.md"

// printed gives the one fenced block of a language in docs/backends.md.
func printed(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile(site.RepoFile(backendsPage))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(page, -1)
	if len(blocks) != 1 {
		t.Fatalf("%s has %d blocks of %s, want 1", backendsPage, len(blocks), language)
	}
	return string(blocks[0][1])
}

// What is beside the printed code: a line on standard input is the value of
// Authorization, the answer is who that is.
const (
	goCaller = `package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
)

func main() {
	verify, err := NewVerifier(context.Background(), os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		panic(err)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		caller, err := verify(&http.Request{Header: http.Header{"Authorization": {in.Text()}}})
		if err != nil {
			fmt.Printf("refused: %q\n", err)
			continue
		}
		fmt.Println(caller.Subject, caller.SessionID, caller.Email, caller.Role)
	}
}
`
	nodeCaller = `import { createInterface } from "node:readline";
import { newVerifier } from "./verifier.mjs";
const verify = newVerifier(...process.argv.slice(2));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { sub, sid, email, role } = await verify(line);
    console.log(sub, sid, email, role);
  } catch (e) {
    console.log("refused: " + JSON.stringify(String(e)));
  }
}
`
)

// verifiers are the programs made of the printed code, by language.
var verifiers = map[string]func(t *testing.T, args ...string) *exec.Cmd{
	"go": func(t *testing.T, args ...string) *exec.Cmd {
		dir := t.TempDir()
		put(t, dir, "verifier.go", printed(t, "go"))
		put(t, dir, "main.go", goCaller)
		cmd := exec.Command("go", append([]string{"run", filepath.Join(dir, "verifier.go"), filepath.Join(dir, "main.go")}, args...)...)
		cmd.Env = append(os.Environ(), "GOPROXY=off") // with the versions of go.mod or not at all
		return cmd
	},
	"node": func(t *testing.T, args ...string) *exec.Cmd {
		modules := site.RepoFile("spa/node_modules")
		_, missing := exec.LookPath("node")
		if missing == nil {
			_, missing = os.Stat(filepath.Join(modules, "jose"))
		}
		switch {
		case missing != nil && os.Getenv("CI") == "true":
			t.Fatalf("CI=true, and %v", missing)
		case missing != nil:
			fmt.Fprintf(os.Stderr, "SKIPPED %s: %v; install Node and run `make packages`\n", t.Name(), missing)
			t.Skip(missing)
		}
		dir := t.TempDir()
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		put(t, dir, "verifier.mjs", printed(t, "js"))
		put(t, dir, "main.mjs", nodeCaller)
		return exec.Command("node", append([]string{filepath.Join(dir, "main.mjs")}, args...)...)
	},
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The code that docs/backends.md prints, run as it is printed, against the
// real product. jose in Node shares no line with what signs here.
func TestPrintedVerifiersTakeTheProductsTokensAndNoOthers(t *testing.T) {
	s := site.Embedded(t)
	key, keyText := site.NewIdentityKey(t)
	up, taken := site.TokenUpstream(t)
	s.Env["IDENTITY_KEY"] = keyText
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, "path: /api/orders\nupstreams: ["+up+"]", "path: /api/billing\nupstreams: ["+up+"]").Name
	s.Clock.Set(time.Now().Add(-4 * time.Minute)) // the verifiers have the machine's clock
	s.Start()
	b := s.Member("ada@example.com")
	bearer := func(path string) string { b.Do("GET", path, nil).Want(t, 200); return taken() }
	expired := bearer("/api/orders")
	account := b.Do("GET", "/api/auth/me", nil).Want(t, 200).JSON(t)
	want := fmt.Sprintln(account["user"].(site.Object)["id"], account["session"].(site.Object)["id"], "ada@example.com", "user")

	for language, program := range verifiers {
		t.Run(language, func(t *testing.T) {
			ask := ask(t, program(t, s.Base+"/.well-known/jwks.json", s.Env["PUBLIC_URL"], "orders"))
			refused := func(what, header string) {
				t.Helper()
				if got := ask(header); !strings.HasPrefix(got, "refused: ") {
					t.Errorf("%s: taken as %s", what, got)
				}
			}
			refused("expired", expired) // and it runs: compiling may take longer than a token lives
			s.Clock.Set(time.Now())
			good := bearer("/api/orders")
			if got := ask(good); got != want {
				t.Fatalf("a good token: %s, want %s", got, want)
			}
			copied, forged := forgeries(t, strings.TrimPrefix(good, "Bearer "), key)
			for what, header := range forged {
				refused(what, header)
			}
			refused("for another audience", bearer("/api/billing"))
			refused("the access cookie", "Bearer "+b.Cookie("access_token"))
			refused("no token", "Bearer ")
			refused("nothing", "")
			// Nothing was refused for another reason, such as keys that are gone.
			for what, header := range map[string]string{"again": good, "signed by the test": copied} {
				if got := ask(header); got != want {
					t.Errorf("a good token, %s: %s", what, got)
				}
			}
		})
	}
}

// ask starts a program that answers lines with lines, and ends it with the test.
func ask(t *testing.T, cmd *exec.Cmd) func(string) string {
	t.Helper()
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewReader(out)
	return func(line string) string {
		t.Helper()
		fmt.Fprintln(in, line)
		answer, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("no answer: %v", err)
		}
		return answer
	}
}

// forgeries are what attackers make of a good token, and what the right key
// must not be enough for; copied is made in the same way and nothing is wrong
// with it.
func forgeries(t *testing.T, good string, key *ecdsa.PrivateKey) (copied string, forged map[string]string) {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(good, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	kid := parsed.Header["kid"]
	sign := func(method jwt.SigningMethod, with any, header, changed map[string]any) string {
		t.Helper()
		c := jwt.MapClaims{}
		for name, v := range parsed.Claims.(jwt.MapClaims) {
			c[name] = v
		}
		for name, v := range changed {
			if c[name] = v; v == nil {
				delete(c, name)
			}
		}
		token := jwt.NewWithClaims(method, c)
		token.Header["kid"] = kid
		for name, v := range header {
			token.Header[name] = v
		}
		raw, err := token.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + raw
	}
	foreign, _ := site.NewIdentityKey(t)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := foreign.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(good, ".")
	admin := strings.Split(sign(jwt.SigningMethodES256, foreign, nil, map[string]any{"role": "admin"}), ".")[1]
	return sign(jwt.SigningMethodES256, key, nil, nil), map[string]string{
		"wrong issuer":            sign(jwt.SigningMethodES256, key, nil, map[string]any{"iss": "http://elsewhere.example"}),
		"no issuer":               sign(jwt.SigningMethodES256, key, nil, map[string]any{"iss": nil}),
		"no audience":             sign(jwt.SigningMethodES256, key, nil, map[string]any{"aud": nil}),
		"no end":                  sign(jwt.SigningMethodES256, key, nil, map[string]any{"exp": nil}),
		"not yet":                 sign(jwt.SigningMethodES256, key, nil, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"alg none":                sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, nil),
		"alg None, old signature": "Bearer " + b64([]byte(`{"alg":"None","typ":"JWT"}`)) + "." + parts[1] + "." + parts[2],
		"HS256, PEM as secret":    sign(jwt.SigningMethodHS256, public, nil, nil),
		"HS256, DER as secret":    sign(jwt.SigningMethodHS256, der, nil, nil),
		"HS256, point as secret":  sign(jwt.SigningMethodHS256, point, nil, nil),
		"foreign key, our kid":    sign(jwt.SigningMethodES256, foreign, nil, nil),
		"foreign key, own kid":    sign(jwt.SigningMethodES256, foreign, map[string]any{"kid": "theirs"}, nil),
		"foreign key brought along": sign(jwt.SigningMethodES256, foreign, map[string]any{
			"jwk": map[string]any{"kty": "EC", "crv": "P-256", "x": b64(theirs[1:33]), "y": b64(theirs[33:])},
		}, nil),
		"promoted":           "Bearer " + parts[0] + "." + admin + "." + parts[2],
		"signature cut off":  "Bearer " + parts[0] + "." + parts[1] + ".",
		"signature of zeros": "Bearer " + parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)),
	}
}
