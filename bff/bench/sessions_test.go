package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest/fake"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// The smoke test's upstream, bare proxy and load generator are this program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if part, ok := parts[os.Args[1]]; ok {
			exit(part(os.Args[2:], os.Stdin, os.Stdout))
		}
	}
	os.Exit(servertest.Main(m))
}

const (
	clients = 64
	email   = "ada@example.com"
)

// onRedis is a Service on a private Redis, with users in memory: a refresh
// does not ask for them.
func onRedis(b *testing.B) *auth.Service {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := redisstore.Open(b.Context(), redisstore.Config{URL: servertest.Redis(b).URL, Now: time.Now, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := token.New(token.Config{
		Issuer: "http://localhost:8080", IdentityKeys: []*ecdsa.PrivateKey{key},
		AccessKeys: [][]byte{[]byte(rand.Text() + rand.Text())}, RefreshKeys: [][]byte{[]byte(rand.Text() + rand.Text())},
	})
	if err != nil {
		b.Fatal(err)
	}
	passwords, err := password.NewHasher(4, clients, clients)
	if err != nil {
		b.Fatal(err)
	}
	audit := &fake.Audit{}
	s := auth.New(auth.Deps{
		Users: fake.NewUsers(audit), Sessions: store, Revocations: store, Audit: audit, Tokens: tokens, Passwords: passwords,
		Policy: session.Policy{
			AccessTTL: 15 * time.Minute, RefreshTTL: 168 * time.Hour, RememberTTL: 720 * time.Hour, SessionMaxAge: 2160 * time.Hour,
		},
		SignupOpen: true,
		// On, and never reached: every refresh is counted in Redis.
		Limiter: store.Limits(filestore.NewLimits(time.Now)), Limits: auth.Limits{SignIn: enough, Register: enough, Refresh: enough, Inline: enough, Password: enough, Change: enough},
		Now: time.Now, Log: log,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	if _, err := s.Register(b.Context(), auth.Registration{Email: email, Password: goodPassword}); err != nil {
		b.Fatal(err)
	}
	return s
}

var enough = session.Allowance{Count: 1_000_000, Per: time.Second}

func signIn(b *testing.B, s *auth.Service) *session.Cookies {
	b.Helper()
	in, err := s.SignIn(b.Context(), auth.Credentials{Email: email, Password: goodPassword})
	if err != nil {
		b.Fatal(err)
	}
	return in.Cookies
}

// cpuUsed is what this process has used so far: Redis is another one.
func cpuUsed(b *testing.B) time.Duration {
	b.Helper()
	used, err := rivals.OwnCPU()
	if err != nil {
		b.Fatal(err)
	}
	return used
}

// BenchmarkRefresh is 64 browsers that renew their sessions one after the
// other. refreshes/core-s is how many one core of Gatehouse carries.
func BenchmarkRefresh(b *testing.B) {
	s := onRedis(b)
	cookies := make([]*session.Cookies, clients)
	for i := range cookies {
		cookies[i] = signIn(b, s)
	}
	took := make([][]time.Duration, clients)
	b.ResetTimer()
	before, start := cpuUsed(b), time.Now()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for n := i; n < b.N; n += clients {
				began := time.Now()
				g, err := s.Sessions().Refresh(context.Background(), cookies[i].Refresh)
				if err != nil || g.Cookies == nil {
					b.Errorf("%+v, %v", g, err)
					return
				}
				cookies[i] = g.Cookies
				took[i] = append(took[i], time.Since(began))
			}
		})
	}
	wg.Wait()
	elapsed, used := time.Since(start), cpuUsed(b)-before
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "refreshes/s")
	b.ReportMetric(float64(b.N)/used.Seconds(), "refreshes/core-s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkBurstOfTabs is one browser whose tabs all wake up at once.
func BenchmarkBurstOfTabs(b *testing.B) {
	for _, tabs := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("tabs=%d", tabs), func(b *testing.B) {
			s := onRedis(b)
			c := signIn(b, s)
			for b.Loop() {
				grants := make([]session.Grant, tabs)
				var wg sync.WaitGroup
				for i := range grants {
					wg.Go(func() { grants[i], _ = s.Sessions().Refresh(context.Background(), c.Refresh) })
				}
				wg.Wait()
				if c = grants[0].Cookies; c == nil {
					b.Fatal("a tab was not renewed")
				}
			}
			b.ReportMetric(float64(b.N*tabs)/b.Elapsed().Seconds(), "answers/s")
		})
	}
}

// BenchmarkSteadyRequest is what authentication costs when nothing is stale:
// no I/O at all.
func BenchmarkSteadyRequest(b *testing.B) {
	s := onRedis(b)
	c := signIn(b, s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sessions().Authenticate(context.Background(), c.Access, c.Refresh); err != nil {
			b.Fatal(err)
		}
	}
}
