// Package doctor runs checks of an installation's stores and settings, and prints
// their findings, each with its fix. The packages of the stores bring the checks.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// State is the verdict of a check.
type State string

// The verdicts, from good to bad.
const (
	OK State = "ok"
	// Unknown: the store refused the query or did not answer, which proves nothing.
	Unknown State = "could_not_ask"
	// Warning: it works now, and fails under conditions that the text names.
	Warning State = "warning"
	// Problem: the product does not work as it should.
	Problem State = "problem"
)

func (s State) rank() int {
	switch s {
	case OK:
		return 0
	case Unknown:
		return 1
	case Warning:
		return 2
	default:
		return 3
	}
}

// Worst gives the worst of states, OK of none.
func Worst(states ...State) State {
	worst := OK
	for _, s := range states {
		if s.rank() > worst.rank() {
			worst = s
		}
	}
	return worst
}

// Result is the verdict of a check, with its texts, which must not hold a secret.
type Result struct {
	State State
	Found string
	Fix   string // "" when there is nothing to do
}

// Check is one query, or a few that belong together.
type Check struct {
	Name string
	// First marks the check that the others of its group depend on: when it finds a
	// problem, Run skips them, so that an absent store is reported once.
	First bool
	// Ask runs the check; it must end with its context. An error means that there was
	// no answer: the state is Unknown then, with the Fix that Ask returns, if any.
	Ask func(ctx context.Context) (Result, error)
}

// Finding is the result of a check, by its name.
type Finding struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
}

// Report has the findings of all checks, in their order.
type Report []Finding

// Run runs one check after the other, each within limit. A group does not depend on
// another one.
func Run(ctx context.Context, limit time.Duration, groups ...[]Check) (report Report) {
	for _, group := range groups {
		for i, check := range group {
			f := ask(ctx, limit, check)
			if left := len(group) - i - 1; check.First && f.State == Problem && left > 0 {
				f.Found += fmt.Sprintf(" (%d further checks are left out)", left)
				report = append(report, f)
				break
			}
			report = append(report, f)
		}
	}
	return report
}

func ask(ctx context.Context, limit time.Duration, check Check) Finding {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := check.Ask(within)
	if err != nil {
		r.State, r.Found = Unknown, err.Error()
		if errors.Is(within.Err(), context.DeadlineExceeded) {
			r.Found = fmt.Sprintf("no answer within %s", limit)
		}
		if r.Fix == "" {
			r.Fix = "Run it again; if it stays like this, look at the server's own log."
		}
	}
	return Finding{check.Name, r.State, r.Found, r.Fix}
}

// Problems is the number of problems.
func (r Report) Problems() int { return r.count(Problem) }

func (r Report) count(s State) (n int) {
	for _, f := range r {
		if f.State == s {
			n++
		}
	}
	return n
}
