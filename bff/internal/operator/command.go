// Package operator holds the commands on accounts that operators run beside a
// server, and the Unix socket in DATA_DIR on which a server in embedded mode
// takes them.
package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// The verbs of commands on accounts.
const (
	CreateUser  = "create"
	ListUsers   = "list"
	SetRole     = "set-role"
	DisableUser = "disable"
	EnableUser  = "enable"
	SetPassword = "set-password"
	SignOutUser = "sign-out"
)

// Command is a verb with its arguments.
type Command struct {
	Verb     string
	Email    string
	Name     string
	Role     string
	Password config.Secret
	Search   string
}

// Roles lists all roles; an account has the first one by default.
func Roles() (all []string) {
	for _, role := range session.Roles {
		all = append(all, string(role))
	}
	return all
}

// operator is the actor of commands in the audit trail: no account has such an id.
var operator = session.Principal{UserID: "operator"}

// CarryOut applies a command to a service and returns the text to print.
func CarryOut(ctx context.Context, s *auth.Service, c Command) (string, error) {
	out, err := c.apply(ctx, s)
	if err != nil {
		return "", c.refusal(err)
	}
	return out, nil
}

func (c Command) apply(ctx context.Context, s *auth.Service) (string, error) {
	switch c.Verb {
	case ListUsers:
		return table(ctx, s, c.Search)
	case CreateUser:
		user, err := s.CreateUser(ctx, operator, auth.Registration{Email: c.Email, Password: c.Password.Reveal(), Name: c.Name}, session.Role(c.Role))
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("created %s, role %s, id %s\n", user.Email.Address, user.Role, user.ID), nil
	}
	user, err := s.UserByEmail(ctx, c.Email)
	if err != nil {
		return "", err
	}
	done, err := c.change(ctx, s, user)
	if err != nil {
		return "", err
	}
	return user.Email.Address + " " + done + "\n", nil
}

// change applies the command to user, and returns the text for it.
func (c Command) change(ctx context.Context, s *auth.Service, user auth.User) (done string, err error) {
	switch c.Verb {
	case SetRole:
		role := session.Role(c.Role)
		_, err = s.ChangeUser(ctx, operator, user.ID, &role, nil)
		return "is " + c.Role + " now", err
	case DisableUser:
		active := false
		_, err = s.ChangeUser(ctx, operator, user.ID, nil, &active)
		return "is disabled, and signed out everywhere", err
	case EnableUser:
		active := true
		_, err = s.ChangeUser(ctx, operator, user.ID, nil, &active)
		return "is enabled", err
	case SetPassword:
		return "has the new password, and is signed out everywhere", s.SetPassword(ctx, operator, user, c.Password.Reveal())
	case SignOutUser:
		return "is signed out everywhere", s.EndUserSessions(ctx, operator, user.ID)
	}
	return "", fmt.Errorf("there is no command %q; is it that of a newer version?", c.Verb)
}

// refusal turns the service's error, which is written for a browser, into one for an
// operator.
func (c Command) refusal(err error) error {
	refused, ok := errors.AsType[*refusal.Error](err)
	if !ok {
		return err
	}
	text := refused.Detail
	switch refused.Code { //nolint:exhaustive // the others' details are for anybody
	case refusal.ValidationFailed:
		var all []string
		for _, field := range slices.Sorted(maps.Keys(refused.Fields)) {
			all = append(all, field+": "+refused.Fields[field])
		}
		text = strings.Join(all, "\n")
	case refusal.EmailTaken:
		text = "there is an account with the email " + c.Email
	case refusal.NotFound:
		text = "there is no account with the email " + c.Email
	case refusal.SessionStoreUnavailable:
		text = fmt.Sprintf("%v\nWhat was changed may not have reached the sessions: run the command again.", refused.Cause)
	case refusal.DatabaseUnavailable:
		text = fmt.Sprint(refused.Cause)
	}
	return fmt.Errorf("%s: %s", refused.Code, text)
}

// table formats all accounts that match search.
func table(ctx context.Context, s *auth.Service, search string) (string, error) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EMAIL\tNAME\tROLE\tACTIVE\tCREATED\tID")
	for after := (auth.Position{}); ; {
		users, next, err := s.Users(ctx, operator, search, after)
		if err != nil {
			return "", err
		}
		for _, u := range users {
			active := map[bool]string{true: "yes", false: "no"}[u.Active]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Email.Address, printable(u.Name), u.Role, active,
				u.CreatedAt.UTC().Format(time.RFC3339), u.ID)
		}
		if after = next; after == (auth.Position{}) {
			break
		}
	}
	err := w.Flush()
	return text.String(), err
}

// printable replaces characters of a name, which its owner chose, that could
// reverse the line or hide the text after them.
func printable(name string) string {
	if name == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}
