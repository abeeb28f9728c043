package storelogin_test

import (
	"errors"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/storelogin"
)

func TestARefusedLoginIsReplacedByTheOneThatIsConfigured(t *testing.T) {
	older, newer := storelogin.Credentials{User: "u", Password: "older"}, storelogin.Credentials{User: "u", Password: "newer"}
	for name, c := range map[string]struct {
		reread   func() (string, error)
		replaced bool
	}{
		"another password": {func() (string, error) { return "newer", nil }, true},
		"the same":         {func() (string, error) { return "older", nil }, false},
		"unreadable":       {func() (string, error) { return "", errors.New("no file") }, false},
		"another place":    {func() (string, error) { return "elsewhere", nil }, false},
		"never changes":    {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			replacements := 0
			l := &storelogin.Login{Reread: c.reread, Replaced: func() { replacements++ }, Parse: func(address string) (*storelogin.Credentials, error) {
				if address == "elsewhere" {
					return nil, errors.New("another place")
				}
				return &storelogin.Credentials{User: "u", Password: address}, nil
			}}
			l.Use(&older)
			tried := l.Current()
			// Many connections are refused at once, and one of them rereads.
			var run errgroup.Group
			for range 20 {
				run.Go(func() error {
					if got := l.ReplaceRefused(tried); got != c.replaced {
						t.Errorf("replaced: %t, want %t", got, c.replaced)
					}
					return nil
				})
			}
			_ = run.Wait()
			want, times := older, 0
			if c.replaced {
				want, times = newer, 1
			}
			if *l.Current() != want || replacements != times {
				t.Errorf("%+v after %d replacements, want %+v after %d", *l.Current(), replacements, want, times)
			}
		})
	}
}
