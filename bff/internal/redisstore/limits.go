package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const (
	// limitBudget is what counting may cost a request when Redis is slow;
	// memory then counts at once.
	limitBudget = 200 * time.Millisecond
	// limitLogEvery is how often an outage is logged at most: of a Cluster that
	// has lost one master, some calls work and others do not.
	limitLogEvery = time.Minute
)

// Limits is auth.Limiter for all instances on one Redis. A call that Redis does
// not answer is counted by another limiter, each by itself, and the next one is
// put to Redis again: one slow answer must not give a guesser a second for
// which the counts are not shared.
//
// Counts of the two are not added up: an outage gives a guesser what a fresh
// instance gives, and its failures are forgotten when it ends.
type Limits struct {
	store     *Store
	meanwhile auth.Limiter
	budget    time.Duration
	outage    outage
	away      atomic.Bool // Redis did not answer the last call
}

var _ auth.Limiter = (*Limits)(nil)

// Limits gives the limits on s; meanwhile counts while Redis is away.
func (s *Store) Limits(meanwhile auth.Limiter) *Limits {
	return &Limits{store: s, meanwhile: meanwhile, budget: limitBudget}
}

// Take is auth.Limiter.Take.
func (l *Limits) Take(ctx context.Context, key string, a session.Allowance) (time.Duration, error) {
	if a.Count < 1 || a.Per <= 0 {
		return l.meanwhile.Take(ctx, key, a) // it allows nothing; there is nothing to count
	}
	// Rounded up: it is never 0, and no more than Count come in Per.
	interval := (a.Per.Microseconds() + int64(a.Count) - 1) / int64(a.Count)
	wait, ok := l.ask(ctx, takeScript, limitKey(key), l.store.now().UnixMicro(), interval, interval*int64(a.Count))
	if !ok {
		return l.meanwhile.Take(ctx, key, a)
	}
	return time.Duration(wait) * time.Microsecond, nil
}

// Attempt is auth.Limiter.Attempt.
func (l *Limits) Attempt(ctx context.Context, key string) (time.Duration, error) {
	args := append([]any{millis(l.store.now()), auth.AttemptsKept.Milliseconds()}, attemptDelays...)
	wait, ok := l.ask(ctx, attemptScript, attemptsKey(key), args...)
	if !ok {
		return l.meanwhile.Attempt(ctx, key)
	}
	return time.Duration(wait) * time.Millisecond, nil
}

// Undo is auth.Limiter.Undo.
func (l *Limits) Undo(ctx context.Context, key string) error {
	if _, ok := l.ask(ctx, undoScript, attemptsKey(key), millis(l.store.now()), auth.AttemptsKept.Milliseconds()); ok {
		return nil
	}
	return l.meanwhile.Undo(ctx, key)
}

// Forget is auth.Limiter.Forget.
func (l *Limits) Forget(ctx context.Context, key string) error {
	l.ask(ctx, forgetScript, attemptsKey(key))
	// Also when Redis has: the next outage begins without failures of the last.
	return l.meanwhile.Forget(ctx, key)
}

// ask runs a script on one key. Without an answer ok is false.
func (l *Limits) ask(ctx context.Context, script *redis.Script, key string, args ...any) (n int64, ok bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	observed, done := l.store.observe(ctx, "count for a limit")
	within, cancel := context.WithTimeout(observed, l.budget)
	defer cancel()
	n, err := script.Run(within, l.store.rdb, []string{key}, args...).Int64()
	done(unlessGone(ctx, err))
	if ctx.Err() == nil { // or it is the caller who has gone
		l.away.Store(err != nil)
		l.outage.report(l.store, err)
	}
	return n, err == nil
}

// InMemory reports whether the last call was counted by this instance alone.
func (l *Limits) InMemory() bool { return l.away.Load() }

// outage logs when limits are not shared, and when they are again.
type outage struct {
	mu       sync.Mutex
	logged   bool
	loggedAt time.Time
}

func (o *outage) report(s *Store, err error) {
	now := s.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil && o.logged:
		o.logged = false
		s.log.Info("limits are shared again")
	case err != nil && !o.logged && now.Sub(o.loggedAt).Abs() >= limitLogEvery:
		o.logged, o.loggedAt = true, now
		s.log.Warn("limits are counted by this instance alone", "error", err)
	}
}

// Key names. They say neither whose email nor which network it is; an operator
// who knows it finds its key all the same:
//
//	printf %s the-key | sha256sum | cut -c1-32
//
// Braces in a key, which would decide about its place in a Cluster, and other
// odd bytes are gone, too.
func limitKey(key string) string { return "limit:" + pseudonym(key) }

func attemptsKey(key string) string { return "attempts:" + pseudonym(key) }

func pseudonym(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// attemptDelays are auth.AttemptDelay in milliseconds of 0, 1, 2… failures; the
// last one is that of all further ones.
var attemptDelays = func() (ms []any) {
	longest := auth.AttemptDelay(math.MaxInt)
	for n := 0; ; n++ {
		delay := auth.AttemptDelay(n)
		ms = append(ms, delay.Milliseconds())
		if delay >= longest {
			return ms
		}
	}
}()

// takeScript is the generic cell rate algorithm. The value is the moment at
// which all will be allowed again (its "theoretical arrival time"). Times are
// in microseconds: as numbers of Lua they are exact until 2255. It gives the
// time to wait, 0 for none. ARGV: now, time for one, time for all.
var takeScript = redis.NewScript(`
local now, one, all = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0') or 0)
local function keep(at)
  redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', string.format('%.0f', math.ceil((at - now) / 1000)))
end
if full > now + all then -- by a clock that was put back since
  full = now + all
  keep(full)
end
local wait = full + one - all - now
if wait > 0 then return wait end
keep(full + one)
return 0
`)

// Attempts are stored as text: how many have failed, when the last one came,
// and when the one before it, in milliseconds since 1970.

// ARGV: now, how long they are kept, the delays after 0, 1, 2… failures. It
// gives the time to wait, 0 for none.
var attemptScript = redis.NewScript(`
local now, kept = tonumber(ARGV[1]), tonumber(ARGV[2])
local function keep(count, last, before)
  redis.call('SET', KEYS[1], string.format('%.0f %.0f %.0f', count, last, before), 'PX', ARGV[2])
end
local count, last, before = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%d+)$')
count, last, before = tonumber(count or 0), tonumber(last or now), tonumber(before or now)
if now - last >= kept then count = 0 end
if last > now then -- by a clock that was put back since
  last = now
  keep(count, last, before)
end
local delay = tonumber(ARGV[math.min(3 + count, #ARGV)])
local wait = last + delay - now
if wait > 0 then return wait end
keep(count + 1, now, last)
return 0
`)

// ARGV: now, how long they are kept.
var undoScript = redis.NewScript(`
local count, _, before = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%d+)$')
if not count then return 0 end
local left = math.min(tonumber(before) - tonumber(ARGV[1]), 0) + tonumber(ARGV[2])
if tonumber(count) <= 1 or left <= 0 then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], string.format('%.0f %s %s', count - 1, before, before), 'PX', string.format('%.0f', left))
end
return 0
`)

var forgetScript = redis.NewScript(`return redis.call('DEL', KEYS[1])`)
