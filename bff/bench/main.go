package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// plan is how much is measured.
type plan struct {
	gatehouse string // the binary
	other     string // another Gatehouse to measure beside it, "" for none
	out       string // where the JSON goes, "" for nowhere
	profile   string // folder for profiles of Gatehouse, "" for none
	only      *regexp.Regexp
	quick     bool

	rounds   int
	duration time.Duration // of each measurement, warm-up excluded
	sessions int           // for renewals
	tabs     int           // bursts of tabs
	signOuts int
	flood    time.Duration // each half of a round
	transfer int64
	sockets  int
	stored   int           // sessions in the Redis of scale
	storing  time.Duration // for how long those are renewed
	telling  time.Duration // for how long revocations are told to so many followers
}

func main() {
	// The kernel ends our children when the thread that started them ends: this
	// one stays as long as the process does.
	runtime.LockOSThread()
	if len(os.Args) > 1 {
		if part, ok := parts[os.Args[1]]; ok {
			exit(part(os.Args[2:], os.Stdin, os.Stdout))
		}
	}
	p, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2) // flag has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(measure(ctx, p, os.Stdout))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// parts are what this program also is, in a process of its own.
var parts = map[string]func(args []string, in io.Reader, out io.Writer) error{
	"upstream": rivals.UpstreamPart,
	"bare":     rivals.BarePart,
	"load":     load.Part,
}

func parse(args []string) (plan, error) {
	p := plan{sessions: 1000, tabs: 50, signOuts: 200, flood: 2500 * time.Millisecond, transfer: 100 << 20, sockets: 10_000,
		stored: 5000, storing: 3 * time.Second, telling: 2 * time.Second}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&p.gatehouse, "gatehouse", "bin/gatehouse", "`program` that is measured")
	fs.StringVar(&p.other, "other", "", "another Gatehouse's `program`, of an earlier commit perhaps, to measure side by side; empty for none")
	fs.StringVar(&p.out, "json", "bin/bench.json", "`file` for the figures; empty for none")
	fs.StringVar(&p.profile, "profile", "", "`folder` for profiles of Gatehouse under load; empty for none")
	fs.IntVar(&p.rounds, "rounds", 7, "rounds of each scenario")
	fs.DurationVar(&p.duration, "duration", 500*time.Millisecond, "of each measurement")
	fs.BoolVar(&p.quick, "quick", false, "1 round of 0.1 s and little of everything: whether it works, no figures")
	only := fs.String("only", "", "`pattern` of the sections to run: side-by-side, refresh, tabs, revocation, scale, flood, transfer, sockets")
	if err := fs.Parse(args); err != nil {
		return plan{}, err
	}
	if p.quick {
		p.rounds, p.duration = 1, 100*time.Millisecond
		p.sessions, p.tabs, p.signOuts, p.flood, p.transfer, p.sockets = 40, 3, 5, 400*time.Millisecond, 20<<20, 100
		p.stored, p.storing, p.telling = 200, 100*time.Millisecond, 100*time.Millisecond
	}
	var err error
	if p.only, err = regexp.Compile(*only); err == nil && p.rounds < 1 {
		err = errors.New("there must be a round")
	}
	if err != nil {
		fmt.Fprintln(fs.Output(), err)
	}
	return p, err
}
