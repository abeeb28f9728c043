package redisstore_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// A pool that cannot connect looks once a second whether it can again, and so notices
// its end up to a second late.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func open(t *testing.T, url string, now func() time.Time) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(t.Context(), redisstore.Config{
		URL: url, Keep: 4 * time.Hour, Now: now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw is a client that looks at what the store has written.
func raw(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// instance is one of several on a server.
type instance struct {
	*redisstore.Store
	url   string
	clock *sessiontest.Clock
}

func (i instance) Peer(t *testing.T) sessiontest.Store { return open(t, i.url, i.clock.Now) }

func contract(t *testing.T, url string, servers ...*servertest.RedisHandle) {
	var looks []*redis.Client
	for _, server := range servers {
		looks = append(looks, raw(t, server.URL))
	}
	sessiontest.RunSessions(t, func(t *testing.T, clock *sessiontest.Clock) sessiontest.Store {
		for _, look := range looks {
			if err := look.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		return instance{open(t, url, clock.Now), url, clock}
	})
}

func TestSessionsOnRedis(t *testing.T) {
	server := servertest.Redis(t)
	contract(t, server.URL, server)
}

// eventually asks until there is no error, for a minute at most.
func eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	late := time.After(time.Minute)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("%s: still %v", what, err)
		}
	}
}

func typical(userID, id string, now time.Time) session.Record {
	return session.Record{
		ID: id, UserID: userID,
		Account: session.Account{
			Email: "ada.lovelace@example.com", Name: "Ada Lovelace", Role: session.RoleUser, CreatedAt: now.Add(-1000 * time.Hour),
		},
		CreatedAt: now, AbsoluteEnd: now.Add(2160 * time.Hour), Generation: 1234, IssuedAt: now.Truncate(time.Second),
		IdleEnd: now.Add(168 * time.Hour), ReceivedAt: now, LastSeenAt: now, IP: "203.0.113.178",
		UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		Version:   2468,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func revocation(x session.Record, at time.Time) session.Revocation {
	return session.Revocation{UserID: x.UserID, SessionID: x.ID, Reason: session.ReasonSignOut, At: at.Truncate(time.Millisecond)}
}

// create stores x, for which there is space.
func create(t *testing.T, s *redisstore.Store, x session.Record) {
	t.Helper()
	displaced, err := s.Create(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if len(displaced) > 0 {
		t.Errorf("%d sessions were removed, with space for one more", len(displaced))
	}
}

// created is Create where only the error matters.
func created(ctx context.Context, s *redisstore.Store, x session.Record) error {
	_, err := s.Create(ctx, x)
	return err
}
