package redisconn

import (
	"context"
	"errors"
	"log/slog"
	"net/url"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/storelogin"
)

// ErrOtherServer says that a REDIS_URL has more changed in it than the user and
// the password.
var ErrOtherServer = errors.New("REDIS_URL leads to another place, or has other options")

// login is the login of new connections, and the TLS files.
type login struct {
	storelogin.Login
	place string // see placeOf
	tls   ownTLS
	log   *slog.Logger
}

// begin gives what go-redis asks at each connection.
func (l *login) begin(user, password string) func(context.Context) (string, string, error) {
	l.Use(&storelogin.Credentials{User: user, Password: password})
	return func(context.Context) (string, string, error) {
		c := l.Current()
		return c.User, c.Password, nil
	}
}

// NewLogin reads a REDIS_URL that differs in the user and the password from the
// one that the store was opened with, and gives what puts them in force for the
// connections to come. Its errors do not repeat the value.
func (s *Source) NewLogin(raw string) (put func(), err error) {
	next, err := s.login.parse(raw)
	if err != nil {
		return nil, err
	}
	return func() { s.login.Use(next) }, nil
}

func (l *login) parse(raw string) (*storelogin.Credentials, error) {
	var next login
	if _, err := dialer(raw, &next, l.tls); err != nil {
		return nil, err
	}
	if placeOf(raw) != l.place {
		return nil, ErrOtherServer
	}
	return next.Current(), nil
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
		tried := h.login.Current()
		err := next(ctx, cmd)
		// The beginning of a connection comes by here as well, with the login in it.
		if err == nil || cmd.Name() == "hello" || cmd.Name() == "auth" || !redis.IsAuthError(err) || !h.login.ReplaceRefused(tried) {
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
