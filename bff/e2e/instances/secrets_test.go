package instances

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
)

// runbook is the shell code of a section of docs/operations.md, block by block.
func runbook(t *testing.T, section string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(site.RepoFile("bff/docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n### "+section+"\n")
	after, _, _ = strings.Cut(after, "\n### ")
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(after, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// secretRotation is an operator at work: two instances behind a balancer, their
// secrets in a folder, and docs/operations.md.
type secretRotation struct {
	t         *testing.T
	files     site.SettingFiles
	path      string // with the program on it
	lb        *site.Balancer
	instances [2]*site.Binary
	// Two for each secret, who do nothing until it has been replaced: one comes
	// back in time, and one too late.
	away, gone map[string]*site.Commuter
	commuters  *site.Crowd
	begun      time.Time // they have
}

func newSecretRotation(t *testing.T, people int) *secretRotation {
	t.Helper()
	file := site.BuildBinary(t)
	r := &secretRotation{t: t, path: filepath.Dir(file) + ":" + os.Getenv("PATH"), lb: site.NewBalancer(t, 2)}
	api := site.FreeAddr(t)
	s := site.ServicesFor(t, http.HandlerFunc(site.EchoAPI), "path: /api/demo\nupstreams: [http://"+api+"]\nstrip_prefix: /api/demo")
	r.files = site.MoveToFiles(t, s.Env, site.SecretNames...)
	s.Background("the demo API", func(ctx context.Context) error {
		return app.RunDemoAPI(ctx, app.DemoOptions{
			Listen: api, JWKSURL: r.lb.URL + "/.well-known/jwks.json", Issuer: r.lb.URL, Audience: "demo", Log: slog.New(slog.DiscardHandler), Now: time.Now,
		})
	})
	for n := range r.instances {
		r.instances[n] = site.NewBinary(t, file, r.lb.Env(t, s, n)...)
		r.instances[n].Run()
		r.lb.Instances[n].AwaitTraffic(r.instances[n].Harness)
	}
	r.away, r.gone = map[string]*site.Commuter{}, map[string]*site.Commuter{}
	for n, secret := range site.SecretNames {
		r.away[secret] = site.NewCommuter(t, r.lb.URL, fmt.Sprintf("away%d@example.com", n), "", nil)
		r.gone[secret] = site.NewCommuter(t, r.lb.URL, fmt.Sprintf("gone%d@example.com", n), "", nil)
	}
	r.commuters = r.lb.NewCrowd(t, people, "/api/demo/me")
	r.commuters.AwaitProgress("at first")
	r.begun = time.Now()
	return r
}

func (r *secretRotation) shell(code string) {
	r.t.Helper()
	cmd := exec.Command("sh", "-euc", code)
	cmd.Dir, cmd.Env = r.files.Dir, []string{"PATH=" + r.path}
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("%v\n%s\n%s", err, code, out)
	}
}

// restartEvery restarts one instance after the other, with people at work.
func (r *secretRotation) restartEvery() {
	r.t.Helper()
	for n, b := range r.instances {
		r.instances[n] = b.Restart()
		r.lb.Instances[n].AwaitTraffic(r.instances[n].Harness)
		r.commuters.AwaitProgress("after a restart")
	}
}

// awaitAPI is the wait of the runbook, as long as this API needs it: it does not
// ask for a key that it does not know twice in ten seconds.
func (r *secretRotation) awaitAPI() {
	r.t.Helper()
	r.instances[0].Eventually("the API to be ready to ask for keys", func() bool { return time.Since(r.begun) > 11*time.Second })
}

// reloadEvery has one instance after the other read its files again.
func (r *secretRotation) reloadEvery() {
	r.t.Helper()
	for _, b := range r.instances {
		if changed, _ := b.Reload("reloaded")["changed"].([]any); len(changed) != 1 {
			r.t.Errorf("changed: %v", changed)
		}
		r.commuters.AwaitProgress("after a reload")
	}
}

// Three secrets, replaced one after the other by the runbook, under load: no
// request fails, and no session is signed out, not even an idle one. By
// SIGHUP, and the one whose loss costs most by restarts as well.
func TestSecretsAreReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	t.Run("SIGHUP", func(t *testing.T) {
		t.Parallel()
		replaceSecrets(t, 16, (*secretRotation).reloadEvery, site.SecretNames...)
	})
	t.Run("restart", func(t *testing.T) {
		t.Parallel()
		replaceSecrets(t, 3, (*secretRotation).restartEvery, "JWT_REFRESH_SECRET")
	})
}

func replaceSecrets(t *testing.T, people int, readEverywhere func(*secretRotation), secrets ...string) {
	blocks := runbook(t, "Rotate the secrets")
	if len(blocks) != 4 {
		t.Fatalf("%d blocks of code", len(blocks))
	}
	r := newSecretRotation(t, people)
	const placeholder = "secret=JWT_REFRESH_SECRET "
	if !strings.Contains(blocks[0], placeholder) {
		t.Fatal(blocks[0])
	}
	for _, secret := range secrets {
		away, gone := r.away[secret], r.gone[secret]
		before := r.files.Get(secret)
		prelude := strings.Replace(blocks[0], placeholder, "secret="+secret+" ", 1)
		r.shell(prelude)
		functions := prelude[strings.Index(prelude, "# What instances read"):]
		for step, block := range blocks[1:] {
			r.shell("secret=" + secret + "\n" + functions + block)
			readEverywhere(r)
			switch step {
			case 0:
				if secret == "IDENTITY_KEY" {
					r.awaitAPI()
				}
			case 1:
				if _, err := away.Send("POST", "/api/up/echo", "back"); err != nil {
					t.Errorf("%s: who was away: %v", secret, err)
				}
				if _, err := away.Send("POST", "/api/auth/refresh", nil); err != nil {
					t.Errorf("%s: who was away: %v", secret, err)
				}
				r.commuters.AwaitRefreshes()
			case 2:
				if _, err := away.Send("GET", "/api/auth/me", nil); err != nil {
					t.Errorf("%s: who came back in time: %v", secret, err)
				}
				_, err := gone.Send("POST", "/api/auth/refresh", nil)
				if signedOut := err != nil; signedOut != (secret == "JWT_REFRESH_SECRET") {
					t.Errorf("%s: who came back too late: %v", secret, err)
				}
			}
		}
		if after := r.files.Get(secret); strings.Contains(after, before) {
			t.Errorf("%s has not been replaced", secret)
		}
		if t.Failed() {
			return
		}
	}
	r.commuters.End()
	if left, err := filepath.Glob(filepath.Join(r.files.Dir, "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("secrets are left: %v, %v", left, err)
	}
}

// Why the new secret comes second first.
func TestRefreshSecretThatSignsAtOnceSignsPeopleOut(t *testing.T) {
	p := site.TwoInstances(t)
	other, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	older, newer := p.A.Env["JWT_REFRESH_SECRET"], other.Refresh[0].Reveal()
	restart := func(s *site.Harness, secrets ...string) {
		s.Stop()
		s.Env["JWT_REFRESH_SECRET"] = strings.Join(secrets, ",")
		s.Start()
	}
	restart(p.B, newer, older)
	with := p.A.MemberTokens("ada@example.com")
	with = p.B.Post("/api/auth/refresh", with).Refreshed(t)
	p.A.Post("/api/auth/refresh", with).Want(t, 401)
	restart(p.A, older, newer)
	p.A.Post("/api/auth/refresh", with).Refreshed(t)
}
