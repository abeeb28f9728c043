package app

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlchecks"
)

// Examination has the operator's options for the checks.
type Examination struct {
	Instances int           // 0: not given
	Ops       string        // host:port of a running instance's private listener; "": OPS_ADDR on this machine
	Limit     time.Duration // of each check; 0: five seconds
}

const checkLimit = 5 * time.Second

// Examine runs every check for this configuration. It does not change the stores
// or DATA_DIR.
func Examine(ctx context.Context, o Options, x Examination) doctor.Report {
	if x.Limit == 0 {
		x.Limit = checkLimit
	}
	// The findings have the errors that the stores would log.
	o.Log = slog.New(slog.DiscardHandler)
	groups := [][]doctor.Check{settingsChecks(o)}
	stores, closeStores := storeChecks(ctx, o, x)
	groups = append(append(groups, stores...), doctor.Proxies(cmp.Or(x.Ops, o.Config.OpsAddr)))
	report := doctor.Run(ctx, x.Limit, groups...)
	closeStores()
	return report
}

// storeChecks opens the stores, without connecting to them.
func storeChecks(ctx context.Context, o Options, x Examination) (groups [][]doctor.Check, closeAll func()) {
	c := o.Config
	var closers []func() error
	closeAll = func() {
		for _, end := range closers {
			_ = end() // nothing was written
		}
	}
	cannot := func(name string, err error) []doctor.Check {
		return []doctor.Check{{Name: name, Ask: func(context.Context) (doctor.Result, error) {
			return doctor.Result{State: doctor.Problem, Found: err.Error(), Fix: "Correct what it says; `gatehouse config` checks the settings."}, nil
		}}}
	}
	if c.Embedded {
		groups = append(groups, datadir.Checks(c.DataDir))
		if datadir.HasAccounts(c.DataDir) != nil {
			return groups, closeAll // opening would make the file
		}
	}
	db, err := openDatabase(ctx, c, newApp(o))
	if err != nil {
		name := "mysql.reachable"
		if c.Embedded {
			name = "sqlite.schema"
		}
		groups = append(groups, cannot(name, err))
	} else {
		closers = append(closers, db.Close)
		groups = append(groups, db.Checks(sqlchecks.Options{Instances: x.Instances, Retention: c.AuditRetention}))
	}
	if c.Embedded {
		return groups, closeAll
	}
	sessions, err := openRedis(ctx, c, newApp(o))
	if err != nil {
		return append(groups, cannot("redis.reachable", err)), closeAll
	}
	closers = append(closers, sessions.Close)
	return append(groups, sessions.Checks()), closeAll
}

// settingsChecks check the configuration, which has been read without a mistake.
func settingsChecks(o Options) []doctor.Check {
	c := o.Config
	return []doctor.Check{
		{Name: "settings.routes", Ask: func(context.Context) (doctor.Result, error) {
			table, err := Routes(c)
			if err != nil {
				return doctor.Result{State: doctor.Problem, Found: err.Error(), Fix: "Correct the file; `gatehouse config` reads it too."}, nil
			}
			if warnings := table.Warnings(); len(warnings) > 0 {
				return doctor.Result{State: doctor.Warning, Found: strings.Join(warnings, "; "), Fix: "Correct the rows in ROUTES_FILE; SIGHUP has it read again."}, nil
			}
			if c.RoutesFile == "" && !c.Embedded {
				return doctor.Result{State: doctor.Warning, Found: "no proxied routes", Fix: "Set ROUTES_FILE, if there are APIs behind Gatehouse."}, nil
			}
			return doctor.Result{State: doctor.OK, Found: "no warning"}, nil
		}},
		{Name: "settings.certificates", Ask: func(context.Context) (doctor.Result, error) {
			if warnings := Warnings(c, o.Now()); len(warnings) > 0 {
				return doctor.Result{State: doctor.Warning, Found: strings.Join(warnings, "; "), Fix: "Put another file in its place; it is read again for each new connection."}, nil
			}
			return doctor.Result{State: doctor.OK, Found: "no warning"}, nil
		}},
		{Name: "settings.proxies", Ask: func(context.Context) (doctor.Result, error) {
			switch {
			case len(c.TrustedProxies) > 0:
				return doctor.Result{State: doctor.OK, Found: "TRUSTED_PROXIES has " + doctor.Plural(len(c.TrustedProxies), "network")}, nil
			case c.Secure():
				return doctor.Result{State: doctor.Warning, Found: "PUBLIC_URL is https and TRUSTED_PROXIES is empty: all people have the address of the proxy that ends TLS, and share its limits",
					Fix: "Set TRUSTED_PROXIES to the network of that proxy, and have it append to X-Forwarded-For."}, nil
			}
			return doctor.Result{State: doctor.OK, Found: "no proxy in front"}, nil
		}},
	}
}
