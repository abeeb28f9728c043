package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
)

// examine runs the checks of the stores and settings, and prints their findings.
func examine(ctx context.Context, p process) error {
	var asJSON bool
	var x app.Examination
	about := "Connects to the stores, changes nothing, and says what is wrong, each with its fix. Exit code 1 when there is a problem; warnings are none."
	if err := parseFlags(p, "doctor", about, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print JSON, for programs")
		fs.IntVar(&x.Instances, "instances", 0, "how many `instances` share MySQL; default: two, or as many addresses as are connected")
		fs.StringVar(&x.Ops, "ops", "", "private listener of a running instance, `host:port`; default: OPS_ADDR, on this machine")
	}); err != nil {
		return err
	}
	const most = 100_000 // more than any server has connections for
	if x.Instances < 0 || x.Instances > most {
		fmt.Fprintf(p.stderr, "gatehouse doctor: --instances is %d; write how many there are\n", x.Instances)
		return errUsage
	}
	if _, port, err := net.SplitHostPort(x.Ops); x.Ops != "" && (err != nil || port == "") {
		fmt.Fprintf(p.stderr, "gatehouse doctor: --ops is %q; write host:port, such as gatehouse-1:9090\n", x.Ops)
		return errUsage
	}
	c, err := load(p)
	if err != nil {
		return err
	}
	report := app.Examine(ctx, app.Options{Config: c, Now: p.now}, x)
	if ctx.Err() != nil {
		return errors.New("given up before all was asked")
	}
	write := report.WriteText
	if asJSON {
		write = report.WriteJSON
	}
	if err := write(p.stdout); err != nil {
		return err
	}
	if n := report.Problems(); n > 0 {
		return fmt.Errorf("%d of the checks found a problem", n)
	}
	return nil
}
