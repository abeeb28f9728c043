// Gatehouse is a Backend-for-Frontend: it serves a single-page app, owns
// sign-in, sessions and every token cookie, and forwards authenticated calls
// to the APIs behind it. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/logbuffer"
)

func main() {
	log := logbuffer.New(os.Stderr)
	ctx, end := context.WithCancel(context.Background())
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-caught
		end()
		// The second one ends a drain. Restoring the default handler after the first
		// lost a signal that came in between.
		<-caught
		time.AfterFunc(flushDeadline, func() { os.Exit(exitFailed) })
		log.Flush()
		os.Exit(exitFailed)
	}()
	os.Exit(run(ctx, process{
		args: os.Args[1:], getenv: os.Getenv, now: time.Now, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, log: log, hangups: hangups,
	}))
}

// flushDeadline is how long a stuck disk can delay the exit after a second signal.
const flushDeadline = 100 * time.Millisecond

// process is the environment of a verb, which tests replace.
type process struct {
	args           []string
	getenv         func(string) string
	now            func() time.Time
	stdin          io.Reader // nil: no standard input
	stdout, stderr io.Writer
	log            *logbuffer.Writer // writes to stderr

	// hangups begins to listen for SIGHUP; the function that it returns waits for the
	// next one. nil: the system has no SIGHUP.
	hangups func() func(context.Context) error

	// hashCost replaces BCRYPT_COST when it is not 0: see app.Options.HashCost.
	hashCost int
}

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

// verb is a command of the binary.
type verb struct {
	name, summary string
	run           func(context.Context, process) error
}

func verbs() []verb {
	return []verb{
		{"serve", "run the server (what happens without a verb)", serve},
		{"migrate", "bring the database's tables up to date", migrate},
		{"user", "make, list and change accounts, beside running servers", user},
		{"audit", "export the audit trail, or delete what is old, beside running servers", audit},
		{"backup", "copy what embedded mode keeps into a folder, beside a running server", backup},
		{"doctor", "connect to the stores and say what is wrong, each with its fix", examine},
		{"config", "check the configuration and print it, secrets hidden; --schema: the JSON Schema of a routes file", printConfig},
		{"keys", "print fresh secrets and an identity key as .env lines", keys},
		{"healthcheck", "ask the running server whether it is alive, for container probes", healthcheck},
		{"demo-api", "run the demo API that embedded mode has behind /api/demo", demoAPI},
		{"version", "print the version", printVersion},
	}
}

// errUsage marks a mistake of the caller: exit code 2. Its text has been
// printed already.
var errUsage = errors.New("wrong usage")

func run(ctx context.Context, p process) int {
	if p.log == nil {
		p.log = logbuffer.New(p.stderr)
	}
	name := "serve"
	if len(p.args) > 0 && (p.args[0] == "" || p.args[0][0] != '-') {
		name, p.args = p.args[0], p.args[1:]
	} else if len(p.args) > 0 && (p.args[0] == "-h" || p.args[0] == "-help" || p.args[0] == "--help") {
		name = "help"
	}
	if name == "help" {
		printHelp(p.stdout)
		return exitFine
	}
	for _, v := range verbs() {
		if v.name != name {
			continue
		}
		switch err := v.run(ctx, p); {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitFine
		case errors.Is(err, errUsage):
			return exitUsage
		default:
			fmt.Fprintf(p.stderr, "gatehouse %s: %v\n", v.name, err)
			return exitFailed
		}
	}
	fmt.Fprintf(p.stderr, "gatehouse: there is no verb %q\n\n", name)
	printHelp(p.stderr)
	return exitUsage
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "Usage: gatehouse [verb] [flags]\n\nVerbs:\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-12s %s\n", v.name, v.summary)
	}
	fmt.Fprint(w, "\nConfiguration comes from the environment; bff/docs/reference.md has the table, `gatehouse config` checks it.\n")
}

// parseFlags reads a verb's flags and takes no further arguments. --help
// prints them to stdout, a mistake to stderr.
func parseFlags(p process, name, about string, define func(*flag.FlagSet)) error {
	_, err := parseArguments(p, name, about, nil, define)
	return err
}

// parseArguments is parseFlags for a verb that takes the arguments named in
// wanted, all of them. Flags may stand anywhere before "--".
func parseArguments(p process, name, about string, wanted []string, define func(*flag.FlagSet)) ([]string, error) {
	fs := flag.NewFlagSet("gatehouse "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if define != nil {
		define(fs)
	}
	usage := func(w io.Writer) {
		fmt.Fprintf(w, "Usage: gatehouse %s [flags]\n\n%s\n", strings.Join(append([]string{name}, wanted...), " "), about)
		fs.SetOutput(w)
		fs.PrintDefaults()
	}
	given, err := parseAnywhere(fs, p.args)
	if errors.Is(err, flag.ErrHelp) {
		usage(p.stdout)
		return nil, err
	}
	switch {
	case err != nil:
	case len(given) > len(wanted):
		err = fmt.Errorf("unexpected argument %q", given[len(wanted)])
	case len(given) < len(wanted):
		err = fmt.Errorf("%s is missing", wanted[len(given)])
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "gatehouse %s: %v\n\n", name, err)
		usage(p.stderr)
		return nil, errUsage
	}
	return given, nil
}

// parseAnywhere returns the arguments that are not flags; package flag stops at the
// first of them.
func parseAnywhere(fs *flag.FlagSet, args []string) (given []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		rest := fs.Args()
		if parsed := len(args) - len(rest); len(rest) == 0 || parsed > 0 && args[parsed-1] == "--" {
			return append(given, rest...), nil
		}
		given, args = append(given, rest[0]), rest[1:]
	}
}
