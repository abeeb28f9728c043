package instances

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// storePasswords is two instances whose stores know them by a user and password
// of their own, each in files of its own, with people at work and others who come.
type storePasswords struct {
	t         *testing.T
	mariadb   *servertest.MariaDBHandle
	redis     *redis.Client // another user's
	lb        *site.Balancer
	instances [2]*site.Binary
	files     [2]site.SettingFiles
	dsn, url  string // with PASSWORD in them
	commuters *site.Crowd

	signedUp       atomic.Int64
	upset, killing atomic.Bool // sign-ups may fail, while connections are killed
	stop           func()
}

func newStorePasswords(t *testing.T) *storePasswords {
	t.Helper()
	file := site.BuildBinary(t)
	s := site.ServicesFor(t, http.HandlerFunc(site.EchoAPI))
	p := &storePasswords{t: t, mariadb: servertest.OwnMariaDB(t), redis: site.RedisClient(t, s.Env["REDIS_URL"]), lb: site.NewBalancer(t, 2)}
	_, database, _ := strings.Cut(p.mariadb.Database(), "/")
	p.dsn = "rotated:PASSWORD@tcp(" + p.mariadb.Addr() + ")/" + database
	p.mariadb.AsRoot("CREATE USER rotated@'127.0.0.1' IDENTIFIED BY 'first'", "GRANT ALL ON `"+database+"`.* TO rotated@'127.0.0.1'")
	p.url = strings.Replace(s.Env["REDIS_URL"], "redis://", "redis://rotated:PASSWORD@", 1)
	p.acl("on", ">first", "~*", "&*", "+@all")
	delete(s.Env, "MYSQL_DSN")
	delete(s.Env, "REDIS_URL")
	for n := range p.instances {
		env := map[string]string{"MYSQL_DSN": p.with(p.dsn, "first"), "REDIS_URL": p.with(p.url, "first")}
		p.files[n] = site.MoveToFiles(t, env, "MYSQL_DSN", "REDIS_URL")
		p.instances[n] = site.NewBinary(t, file, append(p.lb.Env(t, s, n), site.Pairs(env)...)...)
		p.instances[n].Run()
		p.lb.Instances[n].AwaitTraffic(p.instances[n].Harness)
	}
	p.commuters = p.lb.NewCrowd(t, 6, "/api/up/commute")
	p.newcomers()
	return p
}

func (p *storePasswords) with(text, password string) string {
	return strings.Replace(text, "PASSWORD", url.QueryEscape(password), 1)
}

func (p *storePasswords) acl(rules ...any) {
	p.t.Helper()
	if err := p.redis.Do(p.t.Context(), append([]any{"ACL", "SETUSER", "rotated"}, rules...)...).Err(); err != nil {
		p.t.Fatal(err)
	}
}

// newcomers sign up and in, which asks both stores.
func (p *storePasswords) newcomers() {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for n := range 2 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := p.signUp(fmt.Sprintf("newcomer%d-%d@example.com", n, i)); err != nil {
					p.t.Error(err)
					return
				}
			}
		})
	}
	p.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	p.t.Cleanup(p.stop)
}

func (p *storePasswords) signUp(email string) error {
	at := &site.Harness{T: p.t, Base: p.lb.URL}
	for _, path := range []string{"/api/auth/register", "/api/auth/login"} {
		uncertain := p.killing.Load()
		a, err := at.PostJSON(path, site.Credentials(email))
		uncertain = uncertain || p.killing.Load()
		switch {
		case err != nil:
			return err
		case a.StatusCode == 503 && uncertain:
			p.upset.Store(true)
			return nil
		case a.StatusCode >= 300:
			return fmt.Errorf("%s: %d %s", path, a.StatusCode, a.Text)
		}
	}
	p.signedUp.Add(1)
	return nil
}

// getOn waits until everybody has done some more.
func (p *storePasswords) getOn(when string) {
	p.t.Helper()
	p.commuters.AwaitProgress(when)
	want := p.signedUp.Load() + 2
	p.instances[0].Eventually("people to sign up "+when, func() bool { return p.t.Failed() || p.signedUp.Load() >= want })
	if p.t.Failed() {
		p.t.FailNow()
	}
}

func (p *storePasswords) write(n int, password string) {
	p.files[n].Set("MYSQL_DSN", p.with(p.dsn, password))
	p.files[n].Set("REDIS_URL", p.with(p.url, password))
}

// refused is how many passwords an instance had to look for.
func (p *storePasswords) refused() int {
	return len(p.instances[0].Logged("MySQL refused the login")) + len(p.instances[0].Logged("Redis refused the login")) +
		len(p.instances[1].Logged("MySQL refused the login")) + len(p.instances[1].Logged("Redis refused the login"))
}

// hangUp ends every connection to both stores.
func (p *storePasswords) hangUp() {
	p.t.Helper()
	p.killing.Store(true)
	p.mariadb.AsRoot("KILL USER rotated")
	if err := p.redis.Do(p.t.Context(), "CLIENT", "KILL", "USER", "rotated").Err(); err != nil {
		p.t.Fatal(err)
	}
	p.getOn("after their connections were killed")
	p.killing.Store(false)
	p.getOn("by the new password")
}

// Passwords of both stores, replaced under load at one instance after the other:
// nobody is signed out, no call fails, and with all connections gone each one
// that is made uses the new password. The second time there is no signal, and none of the old
// password's time either.
func TestStorePasswordsAreReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	p := newStorePasswords(t)
	p.getOn("at first")

	// Both are good for a while.
	p.acl(">second")
	p.mariadb.AsRoot("ALTER USER rotated@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('first')" +
		" OR mysql_native_password USING PASSWORD('second')")
	for n, b := range p.instances {
		p.write(n, "second")
		b.ReloadWantChanged("MYSQL_DSN", "REDIS_URL")
		p.getOn("after a reload")
	}
	p.mariadb.AsRoot("ALTER USER rotated@'127.0.0.1' IDENTIFIED BY 'second'")
	p.acl("<first")
	p.hangUp()
	if p.refused() > 0 {
		t.Error("the signal was not enough: a password was refused")
	}

	p.acl(">third")
	for n := range p.instances {
		p.write(n, "third")
	}
	p.mariadb.AsRoot("ALTER USER rotated@'127.0.0.1' IDENTIFIED BY 'third'")
	p.acl("<second")
	p.hangUp()
	if n := p.refused(); n != 4 {
		t.Errorf("%d of 4 passwords were refused, and read again", n)
	}
	for _, b := range p.instances {
		b.ReloadWantChanged("MYSQL_DSN", "REDIS_URL")
		b.WantNoSecrets(p.with(p.dsn, "third"), p.with(p.url, "third"))
	}
	p.stop()
	p.commuters.End()
	t.Logf("%d people signed up and in; one of them had to try again: %v", p.signedUp.Load(), p.upset.Load())
}
