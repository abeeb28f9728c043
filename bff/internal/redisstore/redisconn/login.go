package redisconn

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// ErrOtherServer says that a REDIS_URL has more changed in it than the user and
// the password.
var ErrOtherServer = errors.New("REDIS_URL leads to another place, or has other options")

// login is with what new connections are made. Those that there are go on: Redis
// asks for the password at the beginning only.
type login struct {
	place string // see placeOf
	tls   ownTLS
	now   atomic.Pointer[credentials]
	log   *slog.Logger

	reading sync.Mutex
	reread  func() (string, error) // see Config.Reread
}

type credentials struct{ user, password string }

// begin gives what go-redis asks at each connection.
func (l *login) begin(user, password string) func(context.Context) (string, string, error) {
	l.now.Store(&credentials{user, password})
	return func(context.Context) (string, string, error) {
		c := l.now.Load()
		return c.user, c.password, nil
	}
}

// NewLogin reads a REDIS_URL that differs in the user and the password from the
// one that the store was opened with, and gives what puts them in force for the
// connections to come. Its errors do not repeat the value.
func (s *Source) NewLogin(raw string) (put func(), err error) {
	next, err := s.login.next(raw)
	if err != nil {
		return nil, err
	}
	return func() { s.login.now.Store(next) }, nil
}

func (l *login) next(raw string) (*credentials, error) {
	var next login
	if _, err := dialer(raw, &next, l.tls); err != nil {
		return nil, err
	}
	if placeOf(raw) != l.place {
		return nil, ErrOtherServer
	}
	return next.now.Load(), nil
}

// refused reads REDIS_URL again for a login that Redis does not take, and reports
// whether another one is in force by now: passwords that last for minutes are
// replaced whether anybody sends a signal or not.
func (l *login) refused(tried *credentials) bool {
	l.reading.Lock()
	defer l.reading.Unlock()
	if l.now.Load() != tried {
		return true
	}
	if l.reread == nil {
		return false
	}
	raw, err := l.reread()
	if err != nil {
		return false // what Redis said is what the caller hears of
	}
	next, err := l.next(raw)
	if err != nil || *next == *tried {
		return false
	}
	l.now.Store(next)
	l.log.Info("Redis refused the login, and REDIS_URL has another one by now: it is used from here on")
	return true
}

// loginHook tries once more what a connection could not be made for because of its
// login.
type loginHook struct{ login *login }

// DialHook implements redis.Hook.
func (loginHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (loginHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (h loginHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		tried := h.login.now.Load()
		err := next(ctx, cmd)
		// The beginning of a connection comes by here as well, with the login in it.
		if err == nil || cmd.Name() == "hello" || cmd.Name() == "auth" || !redis.IsAuthError(err) || !h.login.refused(tried) {
			return err
		}
		cmd.SetErr(nil)
		return next(ctx, cmd)
	}
}

// placeOf is a REDIS_URL, which can be read, without the user and password of
// Redis. A Sentinel's own stay in it: go-redis takes them once.
func placeOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	q := u.Query()
	if q.Has("master_name") {
		q.Del("username")
		q.Del("password")
	} else {
		u.User = nil
	}
	u.RawQuery = q.Encode()
	return u.String()
}
