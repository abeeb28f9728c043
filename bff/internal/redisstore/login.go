package redisstore

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
)

// ErrOtherServer says that a REDIS_URL has more changed in it than the user and
// the password.
var ErrOtherServer = errors.New("REDIS_URL leads to another place, or has other options")

// login is with what new connections are made. Those that there are go on: Redis
// asks for the password at the beginning only.
type login struct{ now atomic.Pointer[credentials] }

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
func (s *Store) NewLogin(raw string) (put func(), err error) {
	var next login
	if _, err := dialer(raw, &next, s.tls); err != nil {
		return nil, err
	}
	if placeOf(raw) != s.place {
		return nil, ErrOtherServer
	}
	return func() { s.login.now.Store(next.now.Load()) }, nil
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
