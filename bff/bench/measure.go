package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// run is one run's machinery.
type run struct {
	plan
	ctx   context.Context
	say   io.Writer
	dir   string
	cores rivals.Pins
	up    rivals.Addrs
	house *harness
	report.Report
}

// Which sessions are whose: sections that end or renew theirs keep off those of
// others.
const workers = 64

// measure does all that p asks for and prints what it gave.
func measure(ctx context.Context, p plan, out io.Writer) (err error) {
	began := time.Now()
	r := &run{plan: p, ctx: ctx, say: out, cores: rivals.FindPins()}
	if r.plan.gatehouse, err = filepath.Abs(p.gatehouse); err != nil {
		return err
	}
	if p.other != "" {
		if r.plan.other, err = filepath.Abs(p.other); err != nil {
			return err
		}
	}
	if _, err := os.Stat(r.plan.gatehouse); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	if p.profile != "" {
		if err := os.MkdirAll(p.profile, 0o755); err != nil {
			return err
		}
	}
	if r.dir, err = os.MkdirTemp("", "gatehouse-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	r.Report.Machine, r.Report.Cores = report.ThisMachine(r.plan.gatehouse), r.cores
	r.Report.Date, r.Report.Quick, r.Report.RoundsEach, r.Report.Seconds = began.UTC(), p.quick, p.rounds, p.duration.Seconds()
	if err := rivals.PinSelf(r.cores.Load); err != nil {
		return err
	}
	upstream, up, err := rivals.StartPart(r.cores.Upstream, r.dir, "upstream")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upstream.Stop()) }()
	r.up = up
	var note string
	if r.house, note, err = openHarness(ctx, r.plan.gatehouse, r.dir, up); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.house.close()) }()
	if note != "" {
		r.note("%s; renewals, tabs, revocation and scale are not measured, they are about Redis", note)
	}
	fmt.Fprintln(out, "signing people in …")
	if err := r.house.fill(ctx, workers+p.tabs+p.signOuts+p.sessions); err != nil {
		return err
	}
	if err := r.sections(); err != nil {
		return err
	}
	r.Report.Load1, r.Report.Took = report.LoadAverage(), time.Since(began).Seconds()
	r.Report.Judge()
	r.Report.Print(out)
	return r.Report.Write(p.out)
}

func (r *run) note(format string, args ...any) {
	r.Report.Notes = append(r.Report.Notes, fmt.Sprintf(format, args...))
}

func (r *run) members() []signedIn { return r.house.sessions[:workers] }

func cookiesOf(sessions []signedIn) (all []string) {
	for _, s := range sessions {
		all = append(all, s.cookie())
	}
	return all
}

// sections runs those that are wanted. Each starts the Gatehouse that it
// measures, so that none inherits another's memory.
func (r *run) sections() error {
	tabs := r.house.sessions[workers:][:r.plan.tabs]
	leave := r.house.sessions[workers+r.plan.tabs:][:r.plan.signOuts]
	renewing := r.house.sessions[workers+r.plan.tabs+r.plan.signOuts:]
	pinned, unpinned := r.cores.Proxy, r.cores.All
	for _, s := range []struct {
		name  string
		redis bool // about Redis alone
		do    func() error
	}{
		{"side-by-side", false, r.race},
		{"refresh", true, func() error {
			return r.with(pinned, true, nil, func(g *gatehouse) (err error) {
				r.Report.Refreshes, err = pointer(refreshSessions(r.ctx, g, renewing, 6*time.Second))
				return err
			})
		}},
		{"tabs", true, func() error {
			return r.with(pinned, true, nil, func(g *gatehouse) (err error) {
				r.Report.Tabs, err = pointer(wakeTabs(r.ctx, g, tabs))
				return err
			})
		}},
		{"revocation", true, func() error {
			return r.with(unpinned, false, nil, func(a *gatehouse) error {
				return r.with(unpinned, false, nil, func(b *gatehouse) (err error) {
					r.Report.Revocation, err = pointer(signOutElsewhere(r.ctx, a, b, leave, r.members()))
					return err
				})
			})
		}},
		{"scale", true, func() (err error) {
			r.Report.Scale, err = pointer(r.scale())
			return err
		}},
		{"flood", false, func() error {
			return r.with(unpinned, false, []string{trusting}, func(g *gatehouse) (err error) {
				r.Report.Flood, err = pointer(floodSignIn(r.ctx, g, r.members(), min(3, r.plan.rounds), r.plan.flood))
				return err
			})
		}},
		{"transfer", false, func() error {
			return r.with(pinned, true, nil, func(g *gatehouse) (err error) {
				r.Report.Transfer, err = pointer(transfer(r.ctx, g, r.members()[0], r.plan.transfer))
				return err
			})
		}},
		{"sockets", false, func() error {
			return r.with(pinned, true, nil, func(g *gatehouse) (err error) {
				heap := ""
				if r.plan.profile != "" {
					heap = filepath.Join(r.plan.profile, "sockets.pprof")
				}
				r.Report.Sockets, err = pointer(openSockets(r.ctx, g, r.members(), r.plan.sockets, heap))
				return err
			})
		}},
	} {
		if !r.plan.only.MatchString(s.name) || s.redis && !r.house.services {
			continue
		}
		began := time.Now()
		fmt.Fprintf(r.say, "%s …", s.name)
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(r.say, " %.0f s\n", time.Since(began).Seconds())
	}
	return nil
}

func pointer[T any](v T, err error) (*T, error) { return &v, err }

// with runs do on a Gatehouse of its own.
func (r *run) with(cores string, single bool, env []string, do func(*gatehouse) error) (err error) {
	g, err := r.house.start(r.ctx, cores, single, env...)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, g.Process.Stop())
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, g.Process.LastOutput())
		}
	}()
	return do(g)
}

// race is the side-by-side comparison.
func (r *run) race() error {
	return r.with(r.cores.Proxy, true, nil, func(g *gatehouse) (err error) {
		all := []*rivals.Contender{{Name: rivals.Direct, Addr: r.up.Fast}}
		defer func() {
			for _, c := range all {
				if c.Process != nil && c != g.Contender {
					err = errors.Join(err, c.Process.Stop())
				}
			}
		}()
		bare, err := rivals.StartBare(r.ctx, r.cores.Proxy, r.dir, r.up.Fast)
		if err != nil {
			return err
		}
		all = append(all, bare, g.Contender)
		if r.plan.other != "" {
			if !r.house.services {
				return errors.New("-other needs Redis and MariaDB: two processes cannot share an embedded store")
			}
			other, err := r.house.startProgram(r.ctx, rivals.Other, r.plan.other, r.cores.Proxy, true)
			if err != nil {
				return err
			}
			all = append(all, other.Contender)
		}
		for _, rival := range []struct {
			name, program string
			start         func(ctx context.Context, program, cores, dir, upstream string) (*rivals.Contender, error)
		}{{rivals.Nginx, rivals.FindNginx(), rivals.StartNginx}, {rivals.Caddy, rivals.FindCaddy(), rivals.StartCaddy}} {
			if rival.program == "" {
				r.note("NO %s: it was not found", strings.ToUpper(rival.name))
				continue
			}
			c, err := rival.start(r.ctx, rival.program, r.cores.Proxy, r.dir, r.up.Fast)
			if err != nil {
				return err
			}
			all = append(all, c)
		}
		if r.Report.Scenarios, err = sideBySide(r.ctx, all, cookiesOf(r.members()), r.plan, r.cores); err != nil {
			return err
		}
		for _, c := range all {
			if c.Process == nil {
				continue
			}
			now, err := c.Process.Usage()
			if err != nil {
				return err
			}
			r.Report.Memory = append(r.Report.Memory, report.Footprint{Contender: c.Name, Idle: c.Idle.RSS, Peak: now.Peak})
		}
		if r.plan.profile == "" {
			return nil
		}
		return profile(r.ctx, g, cookiesOf(r.members()), r.cores.Load, r.plan.profile, r.say)
	})
}
