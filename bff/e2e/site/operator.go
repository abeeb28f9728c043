package site

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// Operator runs commands as an operator does: beside the product, with its
// configuration.
type Operator struct {
	*Harness
	Env  map[string]string
	Logs LockedBuffer
}

func (s *Harness) Operator() *Operator { return &Operator{Harness: s, Env: s.Env} }

func (d *Operator) Run(ctx context.Context, c operator.Command) (string, error) {
	conf, err := config.Load(func(name string) string { return d.Env[name] })
	if err != nil {
		return "", err
	}
	log := slog.New(slog.NewJSONHandler(&d.Logs, nil))
	return app.Operate(ctx, app.Options{Config: conf, Log: log, Now: d.Clock.Now, HashCost: QuickHash}, c)
}

func (d *Operator) MustRun(c operator.Command) string {
	d.T.Helper()
	out, err := d.Run(d.T.Context(), c)
	if err != nil {
		d.T.Fatalf("%s %s: %v", c.Verb, c.Email, err)
	}
	return out
}

// WantRefused runs a command that must fail, with these parts in its error.
func (d *Operator) WantRefused(c operator.Command, why ...string) {
	d.T.Helper()
	out, err := d.Run(d.T.Context(), c)
	if err == nil || out != "" {
		d.T.Errorf("%s %s: carried out: %q", c.Verb, c.Email, out)
		return
	}
	for _, part := range why {
		if !strings.Contains(err.Error(), part) {
			d.T.Errorf("%s %s: %q, want %q", c.Verb, c.Email, err, part)
		}
	}
}

func (d *Operator) CreateUser(email, role string) {
	d.T.Helper()
	out := d.MustRun(operator.Command{Verb: operator.CreateUser, Email: email, Role: role, Password: Password})
	if want := "created " + email + ", role " + role + ", id "; !strings.HasPrefix(out, want) {
		d.T.Errorf("%q, want %q", out, want)
	}
}
