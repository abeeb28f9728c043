// Package storelogin holds the user and the password of a store, which may be
// replaced while the store is in use.
package storelogin

import (
	"sync"
	"sync/atomic"
)

// Credentials are a user and a password.
type Credentials struct{ User, Password string }

// Login is the login of new connections. Connections that exist keep theirs: a
// server checks the password only when a connection begins. The zero Login has no
// credentials until Use.
type Login struct {
	// Reread gives the store's address as it is configured now; nil: it does not
	// change.
	Reread func() (address string, err error)
	// Parse reads the login in an address of the same place.
	Parse func(address string) (*Credentials, error)
	// Replaced is called after a refused login was replaced.
	Replaced func()

	current   atomic.Pointer[Credentials]
	rereading sync.Mutex
}

// Current gives the login of the next connection.
func (l *Login) Current() *Credentials { return l.current.Load() }

// Use sets the login of connections to come.
func (l *Login) Use(c *Credentials) { l.current.Store(c) }

// ReplaceRefused rereads the address after the server refused the login tried, and
// reports whether another login is in force now: passwords that last for minutes
// are replaced without a signal to the process. An address that cannot be read
// changes nothing; the caller returns the server's error.
func (l *Login) ReplaceRefused(tried *Credentials) bool {
	l.rereading.Lock()
	defer l.rereading.Unlock()
	if l.Current() != tried {
		return true
	}
	if l.Reread == nil {
		return false
	}
	address, err := l.Reread()
	if err != nil {
		return false
	}
	next, err := l.Parse(address)
	if err != nil || *next == *tried {
		return false
	}
	l.Use(next)
	l.Replaced()
	return true
}
