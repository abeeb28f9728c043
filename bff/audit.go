package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
)

// auditVerb is a verb of `gatehouse audit`.
type auditVerb struct {
	name, about string
	run         func(context.Context, process, auditVerb) error
}

func auditVerbs() []auditVerb {
	return []auditVerb{
		{"prune", "Deletes events that are older than AUDIT_RETENTION or than --older-than, in small steps.", pruneAudit},
		{"export", "Prints events as JSON lines, the oldest first: all, or from --from until before --to.", exportAudit},
	}
}

// audit exports or prunes the audit trail, beside running servers.
func audit(ctx context.Context, p process) error {
	for _, v := range auditVerbs() {
		if len(p.args) > 0 && p.args[0] == v.name {
			p.args = p.args[1:]
			return v.run(ctx, p, v)
		}
	}
	return subverbHelp(p, "audit", printAuditHelp)
}

func printAuditHelp(w io.Writer) {
	fmt.Fprint(w, "Usage: gatehouse audit VERB [flags]\n\nVerbs:\n")
	for _, v := range auditVerbs() {
		fmt.Fprintf(w, "  %-8s %s\n", v.name, v.about)
	}
	fmt.Fprint(w, "\nThey work beside running servers, with the same configuration.\n")
}

func pruneAudit(ctx context.Context, p process, v auditVerb) error {
	var keep time.Duration
	if err := parseFlags(p, "audit "+v.name, v.about, func(fs *flag.FlagSet) {
		fs.DurationVar(&keep, "older-than", 0, "`age` such as 8760h, instead of AUDIT_RETENTION")
	}); err != nil {
		return err
	}
	if keep < 0 {
		fmt.Fprintf(p.stderr, "gatehouse audit %s: --older-than is %s; write an age such as 8760h\n", v.name, keep)
		return errUsage
	}
	c, log, err := configure(p)
	if err != nil {
		return err
	}
	if keep == 0 {
		keep = c.AuditRetention
	}
	if keep == 0 {
		return errors.New("events are kept for ever: set AUDIT_RETENTION, or say --older-than")
	}
	return app.PruneAudit(ctx, app.Options{Config: c, Log: log, Now: p.now}, keep, p.stdout)
}

func exportAudit(ctx context.Context, p process, v auditVerb) error {
	var from, to string
	if err := parseFlags(p, "audit "+v.name, v.about, func(fs *flag.FlagSet) {
		fs.StringVar(&from, "from", "", "the first `time`: 2026-01-31 (UTC) or 2026-01-31T08:30:00Z; default: the first event")
		fs.StringVar(&to, "to", "", "the `time` before which it ends; default: now")
	}); err != nil {
		return err
	}
	period := app.Period{To: p.now()}
	for _, limit := range []struct {
		name, text string
		at         *time.Time
	}{{"from", from, &period.From}, {"to", to, &period.To}} {
		if limit.text == "" {
			continue
		}
		var err error
		if *limit.at, err = readTime(limit.text); err != nil {
			fmt.Fprintf(p.stderr, "gatehouse audit %s: --%s is %q; write 2026-01-31 or 2026-01-31T08:30:00Z\n", v.name, limit.name, limit.text)
			return errUsage
		}
	}
	if from != "" && to != "" && !period.From.Before(period.To) {
		fmt.Fprintf(p.stderr, "gatehouse audit %s: --from %s is not before --to %s\n", v.name, from, to)
		return errUsage
	}
	c, log, err := configure(p)
	if err != nil {
		return err
	}
	return app.ExportAudit(ctx, app.Options{Config: c, Log: log, Now: p.now}, period, p.stdout)
}

func readTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}
