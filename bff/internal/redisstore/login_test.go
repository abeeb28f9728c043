package redisstore_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// users gives each server a user with this password, beside the one without.
func users(t *testing.T, servers []*servertest.RedisHandle, rules ...any) (looks []*redis.Client) {
	t.Helper()
	for _, server := range servers {
		look := raw(t, server.URL)
		must(t, look.Do(t.Context(), append([]any{"ACL", "SETUSER", "gatehouse"}, rules...)...).Err())
		looks = append(looks, look)
	}
	return looks
}

func hangUp(t *testing.T, looks []*redis.Client) {
	t.Helper()
	for _, look := range looks {
		must(t, look.Do(t.Context(), "CLIENT", "KILL", "USER", "gatehouse").Err())
	}
}

// onEveryRedis runs a test with the URL of the user gatehouse on each kind of
// Redis, and the servers that have the user.
func onEveryRedis(t *testing.T, test func(t *testing.T, url func(password string) string, servers []*servertest.RedisHandle)) {
	t.Helper()
	for name, start := range map[string]func(t *testing.T) (url func(password string) string, servers []*servertest.RedisHandle){
		"server": func(t *testing.T) (func(string) string, []*servertest.RedisHandle) {
			s := servertest.Redis(t)
			return func(password string) string {
				return strings.Replace(s.URL, "redis://", "redis://gatehouse:"+password+"@", 1)
			}, []*servertest.RedisHandle{s}
		},
		"sentinel": func(t *testing.T) (func(string) string, []*servertest.RedisHandle) {
			s := servertest.Sentinel(t)
			return func(password string) string { return s.URL + "&username=gatehouse&password=" + password },
				[]*servertest.RedisHandle{s.Master}
		},
		"cluster": func(t *testing.T) (func(string) string, []*servertest.RedisHandle) {
			c := servertest.Cluster(t, 1)
			return func(password string) string {
				return strings.Replace(c.URL, "redis://", "redis://gatehouse:"+password+"@", 1)
			}, c.Masters
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, servers := start(t)
			test(t, url, servers)
		})
	}
}

// A password that goes while connections are open: they go on, those that come
// after use the new one, and the follower is no exception.
func TestLoginIsChangedWhileTheStoreIsOpen(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, func(t *testing.T, url func(string) string, servers []*servertest.RedisHandle) {
		looks := users(t, servers, "on", ">older", "~*", "&*", "+@all")
		s := open(t, url("older"), time.Now)
		x := typical("u", "s", time.Now())
		create(t, s, x)
		f := sessiontest.Subscribe(t, s, time.Hour)

		users(t, servers, ">newer", "<older")
		if _, err := s.Get(t.Context(), "u", "s"); err != nil {
			t.Errorf("on a connection from before: %v", err)
		}
		hangUp(t, looks)
		notAsked(t, s, typical("u", "other", time.Now()))
		put, err := s.NewLogin(url("newer"))
		must(t, err)
		notAsked(t, s, typical("u", "other", time.Now())) // it is read, and not yet in force
		put()
		asked(t, s, x)
		r := revocation(x, time.Now())
		must(t, s.End(t.Context(), r))
		f.Expect(t, r)
	})
}

// A password that was replaced where it is written, and nobody said so: no
// question is lost.
func TestRefusedLoginIsReadAgain(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, func(t *testing.T, url func(string) string, servers []*servertest.RedisHandle) {
		looks := users(t, servers, "on", ">older", ">newer", "~*", "&*", "+@all")
		var written atomic.Pointer[string]
		write := func(text string) { written.Store(&text) }
		write(url("older"))
		s, err := redisstore.Open(t.Context(), redisstore.Config{URL: url("older"), Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Reread: func() (string, error) {
			if *written.Load() == "" {
				return "", errors.New("no file")
			}
			return *written.Load(), nil
		}})
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		x := typical("u", "s", time.Now())
		create(t, s, x)
		f := sessiontest.Subscribe(t, s, time.Hour)

		write(url("newer"))
		users(t, servers, "<older")
		hangUp(t, looks)
		if _, err := s.Get(t.Context(), "u", "s"); err != nil {
			t.Errorf("the first question: %v", err)
		}
		r := revocation(x, time.Now())
		must(t, s.End(t.Context(), r))
		f.Expect(t, r)

		users(t, servers, ">newest", "<newer")
		for _, of := range []string{url("newer"), url("wrong"), "redis://elsewhere", ""} {
			write(of)
			hangUp(t, looks)
			notAsked(t, s, typical("u", "other", time.Now()))
		}
		write(url("newest"))
		create(t, s, typical("u", "another", time.Now()))
	})
}

func TestLoginIsAllThatMayChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, after string
		same          bool
	}{
		{"redis://localhost:6379/3", "redis://ada:hunter2@localhost:6379/3", true},
		{"rediss://ada:hunter1@r:6380?pool_size=50", "rediss://bob:hunter2@r:6380?pool_size=50", true},
		{"redis://:hunter1@a:6379?addr=b:6379", "redis://:hunter2@a:6379?addr=b:6379", true},
		{"redis://s:hunter1@a?master_name=m&username=u&password=hunter1", "redis://s:hunter1@a?master_name=m&username=v&password=hunter2", true},
		{"redis://s:hunter1@a?master_name=m&password=hunter1", "redis://s:hunter2@a?master_name=m&password=hunter2", false},
		{"redis://:hunter1@a:6379", "redis://:hunter2@b:6379", false},
		{"redis://:hunter1@a:6379", "redis://:hunter2@a:6379/1", false},
		{"redis://:hunter1@a:6379", "rediss://:hunter2@a:6379", false},
		{"redis://:hunter1@a:6379", "redis://:hunter2@a:6379?pool_size=5", false},
		{"redis://:hunter1@a:6379?addr=b:6379", "redis://:hunter2@a:6379?addr=c:6379", false},
	} {
		s := open(t, c.before, time.Now)
		put, err := s.NewLogin(c.after)
		if (err == nil) != c.same || (put != nil) != c.same || err != nil && !errors.Is(err, redisconn.ErrOtherServer) {
			t.Errorf("%s after %s: %v", c.after, c.before, err)
		}
	}
	s := open(t, "redis://localhost", time.Now)
	if put, err := s.NewLogin("redis://:hunter2@localhost?nonsense=1"); err == nil || put != nil || errors.Is(err, redisconn.ErrOtherServer) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// Nobody is told that a session is gone because of a password.
func TestRefusedLoginIsAnOutage(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	users(t, []*servertest.RedisHandle{server}, "on", ">right", "~*", "&*", "+@all")
	s := open(t, strings.Replace(server.URL, "redis://", "redis://gatehouse:wrong@", 1), time.Now)
	if _, err := s.Get(t.Context(), "u", "s"); !errors.Is(err, session.ErrSessionStore) || errors.Is(err, session.ErrNoSession) || strings.Contains(err.Error(), "wrong@") {
		t.Errorf("%v", err)
	}
}
