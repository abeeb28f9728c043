package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// auditing runs `gatehouse audit` at a time.
func auditing(t *testing.T, env map[string]string, now time.Time, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), process{
		args: append([]string{"audit"}, args...), getenv: func(name string) string { return env[name] },
		now: func() time.Time { return now }, stdin: untouched(t), stdout: &stdout, stderr: &stderr,
	})
	return result{code, stdout.String(), stderr.String()}
}

func TestAuditVerbsRefuseWrongUsage(t *testing.T) {
	t.Parallel()
	broken := map[string]string{"PUBLIC_URL": "nonsense"} // it is not read
	for args, want := range map[string]string{
		"":                        "say what to do",
		"delete":                  `there is no verb "delete"`,
		"--no-such-flag":          "flag provided but not defined",
		"prune 8760h":             `unexpected argument "8760h"`,
		"prune --older-than=-1h":  "write an age such as 8760h",
		"prune --older-than=year": "invalid value",
		"export --from yesterday": `--from is "yesterday"; write 2026-01-31`,
		"export --to 31.1.2026":   `--to is "31.1.2026"; write 2026-01-31`,
		"export --from 2026-02-01 --to 2026-01-01": "is not before",
		"export file": `unexpected argument "file"`,
	} {
		auditing(t, broken, time.Now(), strings.Fields(args)...).want(t, args, 2, "", want)
	}
	for _, args := range []string{"--help", "prune --help", "export -h"} {
		auditing(t, broken, time.Now(), strings.Fields(args)...).want(t, args, 0, "Usage: gatehouse audit", "")
	}
	unset := map[string]string{"DATA_DIR": t.TempDir()}
	auditing(t, unset, time.Now(), "prune").want(t, "prune without an age", 1, "", "set AUDIT_RETENTION, or say --older-than")
	auditing(t, unset, time.Now(), "export").want(t, "a folder without accounts", 1, "", "there are no accounts in")
}

func TestAuditIsExportedAndPruned(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATA_DIR": t.TempDir(), "AUDIT_RETENTION": "1h"}
	for _, email := range []string{"ada@example.com", "bob@example.com", "eve@example.com"} {
		operate(t, env, strings.NewReader(operatorsPassword), "create", email).want(t, email, 0, "created "+email, "")
	}
	operate(t, env, nil, "disable", "eve@example.com").want(t, "disable", 0, "is disabled", "")
	now := time.Now()

	all := auditing(t, env, now.Add(time.Minute), "export")
	all.want(t, "export", 0, `"type":"registered"`, "")
	var types []string
	var last time.Time
	for line := range strings.Lines(all.stdout) {
		var e struct {
			At                        time.Time
			ID, Type, UserID, ActorID string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID == "" || e.UserID == "" || e.ActorID != "operator" || e.At.Before(last) {
			t.Errorf("%s: %+v, %v", line, e, err)
		}
		types, last = append(types, e.Type), e.At
	}
	if got := strings.Join(types, " "); got != "registered registered registered user_disabled" {
		t.Errorf("events %s", got)
	}
	later := now.Add(48 * time.Hour)
	for args, lines := range map[string]int{
		"export --from 2020-01-01": 4,
		"export --to 2020-01-01":   0,
		"export --from " + now.Add(time.Minute).UTC().Format(time.RFC3339):   0,
		"export --to " + now.Add(time.Minute).UTC().Format(time.RFC3339):     4,
		"export --from 2020-01-01 --to " + later.UTC().Format(time.DateOnly): 4,
	} {
		if got := auditing(t, env, later, strings.Fields(args)...); got.code != 0 || strings.Count(got.stdout, "\n") != lines {
			t.Errorf("%s: %+v, want %d lines", args, got, lines)
		}
	}
	auditing(t, env, now.Add(59*time.Minute), "prune").want(t, "nothing is old", 0, "deleted 0 events from before ", "")
	auditing(t, env, later, "prune", "--older-than", "72h").want(t, "nothing is that old", 0, "deleted 0 events", "")
	auditing(t, env, later, "prune").want(t, "everything is old", 0, "deleted 4 events", "")
	if got := auditing(t, env, later, "export"); got.code != 0 || got.stdout != "" {
		t.Errorf("%+v is left", got)
	}
}
