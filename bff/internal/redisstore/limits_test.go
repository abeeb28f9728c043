package redisstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// unasked is what Limits fall back on where they must not.
type unasked struct {
	auth.Limiter
	t *testing.T
}

func (u unasked) Take(ctx context.Context, key string, a session.Allowance) (time.Duration, error) {
	if ctx.Err() == nil && a.Count > 0 && a.Per > 0 {
		u.t.Errorf("a take of %.40q was counted in memory", key)
	}
	return u.Limiter.Take(ctx, key, a)
}

func (u unasked) Attempt(ctx context.Context, key string) (time.Duration, error) {
	if ctx.Err() == nil {
		u.t.Errorf("an attempt of %.40q was counted in memory", key)
	}
	return u.Limiter.Attempt(ctx, key)
}

func (u unasked) Undo(ctx context.Context, key string) error {
	if ctx.Err() == nil {
		u.t.Errorf("an attempt of %.40q was undone in memory", key)
	}
	return u.Limiter.Undo(ctx, key)
}

// limitsOf are the limits of one instance.
func limitsOf(t *testing.T, url string, now func() time.Time) *redisstore.Limits {
	t.Helper()
	return open(t, url, now).Limits(filestore.NewLimits(now))
}

// sharing are limits of one instance that Redis always answers.
type sharing struct {
	*redisstore.Limits
	url   string
	clock *sessiontest.Clock
}

func (s sharing) Peer(t *testing.T) auth.Limiter { return share(t, s.url, s.clock) }

func share(t *testing.T, url string, clock *sessiontest.Clock) sharing {
	return sharing{open(t, url, clock.Now).Limits(unasked{filestore.NewLimits(clock.Now), t}).Patient(), url, clock}
}

func limiterContract(t *testing.T, url string, servers ...*servertest.RedisHandle) {
	authtest.RunLimiter(t, func(t *testing.T, clock *sessiontest.Clock) auth.Limiter {
		for _, server := range servers {
			must(t, raw(t, server.URL).FlushAll(t.Context()).Err())
		}
		return share(t, url, clock)
	})
}

func TestLimitsOnRedis(t *testing.T) {
	server := servertest.Redis(t)
	limiterContract(t, server.URL, server)
}

func TestLimitsOnRedisCluster(t *testing.T) {
	for _, masters := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d masters", masters), func(t *testing.T) {
			c := servertest.Cluster(t, masters)
			limiterContract(t, c.URL, c.Masters...)
		})
	}
}

// Key names are a promise to operators; what they are about stays out of Redis.
func TestLimitKeys(t *testing.T) {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	l, look := share(t, server.URL, clock), raw(t, server.URL)
	const who = "signin:ada@example.com"
	sum := sha256.Sum256([]byte(who))
	name := hex.EncodeToString(sum[:])[:32]
	life := func(key string) time.Duration {
		t.Helper()
		got, err := look.PTTL(t.Context(), key).Result()
		must(t, err)
		return got
	}
	lives := func(key string, want time.Duration) {
		t.Helper()
		if got := life(key); got > want || got < want-10*time.Second {
			t.Errorf("%s lives for %v, want %v", key, got, want)
		}
	}
	for n := range 3 {
		_, err := l.Take(t.Context(), who, session.Allowance{Count: 10, Per: time.Hour})
		must(t, err)
		_, err = l.Attempt(t.Context(), who)
		must(t, err)
		lives("limit:"+name, time.Duration(n+1)*6*time.Minute) // until all is allowed again
		lives("attempts:"+name, auth.AttemptsKept)
	}
	keys := allKeys(t, look)
	if diff := cmp.Diff([]string{"attempts:" + name, "limit:" + name}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for _, key := range keys {
		value, err := look.Get(t.Context(), key).Result()
		must(t, err)
		if strings.Contains(key+value, "ada") || strings.Trim(value, "0123456789 ") != "" {
			t.Errorf("%s holds %q", key, value)
		}
	}
	clock.Advance(time.Hour)
	must(t, l.Undo(t.Context(), who))
	lives("attempts:"+name, auth.AttemptsKept-time.Hour)
	_, err := l.Attempt(t.Context(), who)
	must(t, err)
	clock.Advance(-3 * time.Hour)
	must(t, l.Undo(t.Context(), who))
	lives("attempts:"+name, auth.AttemptsKept)
	for range 2 {
		must(t, l.Undo(t.Context(), who))
	}
	if diff := cmp.Diff([]string{"limit:" + name}, allKeys(t, look)); diff != "" {
		t.Errorf("keys after all was undone (-want +got):\n%s", diff)
	}
}

// Whatever is in Redis, it locks nobody out, and is replaced.
func TestLimitsThatCannotBeRead(t *testing.T) {
	server := servertest.Redis(t)
	look := raw(t, server.URL)
	for _, value := range []string{"", "x", "1", "1 2", "-1 -1 -1", "1e300", "nan", "inf", strings.Repeat("9", 400), "99 99999999999999999 99999999999999999"} {
		l := share(t, server.URL, sessiontest.NewClock())
		must(t, look.FlushAll(t.Context()).Err())
		_, _ = l.Take(t.Context(), "k", minute)
		_, _ = l.Attempt(t.Context(), "k")
		for _, key := range allKeys(t, look) {
			must(t, look.Set(t.Context(), key, value, 0).Err())
		}
		if wait, err := l.Take(t.Context(), "k", minute); err != nil || wait > 6*time.Second {
			t.Errorf("%.20q: take: wait %v, %v", value, wait, err)
		}
		if wait, err := l.Attempt(t.Context(), "k"); err != nil || wait > 15*time.Minute {
			t.Errorf("%.20q: attempt: wait %v, %v", value, wait, err)
		}
		must(t, l.Undo(t.Context(), "k"))
		must(t, l.Forget(t.Context(), "k"))
	}
	// The whole key is something else.
	l := limitsOf(t, server.URL, time.Now).Patient()
	_, _ = l.Take(t.Context(), "k", minute)
	_, _ = l.Attempt(t.Context(), "k")
	keys := allKeys(t, look)
	if len(keys) != 2 {
		t.Fatalf("keys: %v", keys)
	}
	for _, key := range keys {
		must(t, look.Del(t.Context(), key).Err())
		must(t, look.RPush(t.Context(), key, "a").Err())
	}
	must(t, counting(l, "k"))
}

var minute = session.Allowance{Count: 10, Per: time.Minute}

// counting fails unless a fresh key is counted, by each method, and each call is
// answered soon.
func counting(l auth.Limiter, key string) error {
	ctx, once := context.Background(), session.Allowance{Count: 1, Per: time.Hour}
	start := time.Now()
	for n := range 8 {
		var wait time.Duration
		var err error
		var free bool
		switch {
		case n < 2:
			wait, err = l.Take(ctx, key, once)
			free = n < 1
		default:
			wait, err = l.Attempt(ctx, key)
			free = n < 7
		}
		if err != nil || (wait == 0) != free {
			return fmt.Errorf("call %d: wait %v, %v", n, wait, err)
		}
	}
	// 0.2 s each while Redis hangs, where a question to the store has two seconds.
	if took := time.Since(start); took > 12*time.Second {
		return fmt.Errorf("eight calls took %v", took)
	}
	return nil
}

// shared fails unless what one counts the other knows.
func shared(t *testing.T, one, other auth.Limiter, key string) error {
	t.Helper()
	for n := range 6 {
		wait, err := [2]auth.Limiter{one, other}[n%2].Attempt(t.Context(), key)
		must(t, err)
		if (wait > 0) != (n == 5) {
			return fmt.Errorf("attempt %d of the two: wait %v", n, wait)
		}
	}
	return nil
}

// again is shared with ever new keys, until it works.
func again(t *testing.T, one, other auth.Limiter) {
	t.Helper()
	n := 0
	eventually(t, "limits are shared again", func() error {
		n++
		return shared(t, one, other, fmt.Sprintf("again %d, %v", n, time.Now()))
	})
}

// linesOf is a log that can be read while it is written.
type linesOf struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *linesOf) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *linesOf) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// logged are limits by clock, and what they write to the log.
func logged(t *testing.T, url string, clock *sessiontest.Clock) (*redisstore.Limits, *linesOf) {
	t.Helper()
	log := &linesOf{}
	s, err := redisstore.Open(t.Context(), redisstore.Config{URL: url, Now: clock.Now, Log: slog.New(slog.NewTextHandler(log, nil))})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s.Limits(filestore.NewLimits(clock.Now)), log
}
