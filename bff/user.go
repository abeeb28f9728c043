package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// userVerb is a verb of `gatehouse user`.
type userVerb struct {
	name, about string
	arguments   []string
	flags       func(*flag.FlagSet, *operator.Command)
	password    bool // wants one from standard input
}

func userVerbs() []userVerb {
	email := []string{"EMAIL"}
	return []userVerb{
		{operator.CreateUser, "Makes an account, also while SIGNUP is closed. The password is read from standard input.", email, func(fs *flag.FlagSet, c *operator.Command) {
			fs.StringVar(&c.Name, "name", "", "the person's `name`")
			fs.StringVar(&c.Role, "role", operator.Roles()[0], strings.Join(operator.Roles(), " or "))
		}, true},
		{operator.ListUsers, "Lists accounts, the newest first.", nil, func(fs *flag.FlagSet, c *operator.Command) {
			fs.StringVar(&c.Search, "search", "", "`text` that is part of the email address or of the name")
		}, false},
		{operator.SetRole, "Gives an account the role " + strings.Join(operator.Roles(), " or ") + ". Its sessions go on, with the new role.", []string{"EMAIL", "ROLE"}, nil, false},
		{operator.DisableUser, "Keeps an account from signing in, and ends its sessions.", email, nil, false},
		{operator.EnableUser, "Lets a disabled account sign in again.", email, nil, false},
		{operator.SetPassword, "Gives an account a new password, read from standard input, and ends its sessions.", email, nil, true},
		{operator.SignOutUser, "Ends all sessions of an account.", email, nil, false},
	}
}

// user changes accounts, beside running servers and at once.
func user(ctx context.Context, p process) error {
	for _, v := range userVerbs() {
		if len(p.args) > 0 && p.args[0] == v.name {
			p.args = p.args[1:]
			return v.run(ctx, p)
		}
	}
	return subverbHelp(p, "user", printUserHelp)
}

// subverbHelp answers --help or a mistake in the place of a second verb.
func subverbHelp(p process, name string, help func(io.Writer)) error {
	fs := flag.NewFlagSet("gatehouse "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	err := fs.Parse(p.args)
	if errors.Is(err, flag.ErrHelp) {
		help(p.stdout)
		return err
	}
	if err == nil {
		err = errors.New("say what to do")
		if fs.NArg() > 0 {
			err = fmt.Errorf("there is no verb %q", fs.Arg(0))
		}
	}
	fmt.Fprintf(p.stderr, "gatehouse %s: %v\n\n", name, err)
	help(p.stderr)
	return errUsage
}

func printUserHelp(w io.Writer) {
	fmt.Fprint(w, "Usage: gatehouse user VERB [arguments] [flags]\n\nVerbs:\n")
	for _, v := range userVerbs() {
		fmt.Fprintf(w, "  %-22s %s\n", strings.Join(append([]string{v.name}, v.arguments...), " "), v.about)
	}
	fmt.Fprint(w, "\nThey work beside running servers, with the same configuration, and take effect on all of them at once.\n")
}

func (v userVerb) run(ctx context.Context, p process) error {
	c := operator.Command{Verb: v.name}
	name := "user " + v.name
	arguments, err := parseArguments(p, name, v.about, v.arguments, func(fs *flag.FlagSet) {
		if v.flags != nil {
			v.flags(fs, &c)
		}
	})
	if err != nil {
		return err
	}
	for i, value := range arguments {
		switch v.arguments[i] {
		case "EMAIL":
			c.Email = value
		case "ROLE":
			c.Role = value
		}
	}
	takesRole := v.name == operator.CreateUser || v.name == operator.SetRole
	if takesRole && !slices.Contains(operator.Roles(), c.Role) {
		fmt.Fprintf(p.stderr, "gatehouse %s: there is no role %q; choose %s\n", name, c.Role, strings.Join(operator.Roles(), " or "))
		return errUsage
	}
	conf, log, err := configure(p)
	if err != nil {
		return err
	}
	if v.password {
		if c.Password, err = readPassword(ctx, p); err != nil {
			return err
		}
	}
	out, err := app.Operate(ctx, app.Options{Config: conf, Log: log, Now: p.now, HashCost: p.hashCost}, c)
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.stdout, out)
	return err
}

// maxPasswordInput is more bytes than a password may have.
const maxPasswordInput = 4 << 10

// readPassword reads all of standard input, less one line break at its end. At a
// terminal it prompts instead.
func readPassword(ctx context.Context, p process) (config.Secret, error) {
	if p.stdin == nil {
		return "", errNoPassword
	}
	if f, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return askPassword(ctx, f, p.stderr)
	}
	text, err := io.ReadAll(io.LimitReader(p.stdin, maxPasswordInput+1))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if len(text) > maxPasswordInput {
		return "", errors.New("that is too long for a password")
	}
	// PowerShell writes a byte order mark into a pipe, which no browser would type.
	if text, err = textfile.UTF8(text); err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	pw, _ := strings.CutSuffix(string(text), "\n")
	pw, _ = strings.CutSuffix(pw, "\r")
	return checkedPassword(pw)
}

var errNoPassword = errors.New("no password: write it to standard input")

func checkedPassword(pw string) (config.Secret, error) {
	if pw == "" {
		return "", errNoPassword
	}
	return config.Secret(pw), nil
}

// askPassword asks twice: what is typed cannot be seen.
func askPassword(ctx context.Context, in *os.File, out io.Writer) (config.Secret, error) {
	fd := int(in.Fd())
	// Raw, so that Ctrl-C is a character that ends the question. As a signal it
	// would end nothing before the next line, or everything and leave a
	// terminal that shows nothing.
	state, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	restore := func() { _ = term.Restore(fd, state) }
	defer restore()
	defer context.AfterFunc(ctx, restore)()
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")
	var typed [2]string
	for i, question := range []string{"Password: ", "The same again: "} {
		typed[i], err = t.ReadPassword(question)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case errors.Is(err, io.EOF):
			return "", errors.New("no password was typed; nothing has changed")
		case err != nil:
			return "", fmt.Errorf("ask for the password: %w", err)
		}
		if typed[0] == "" {
			return "", errors.New("no password was typed; nothing has changed")
		}
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same; nothing has changed")
	}
	return config.Secret(typed[0]), nil
}
