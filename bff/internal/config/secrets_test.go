package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

func TestWeakSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ access, refresh, want string }{
		"good":                         {accessCanary, refreshCanary, ""},
		"32 bytes":                     {accessCanary[:32], refreshCanary, ""},
		"64 hexadecimal digits":        {"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", refreshCanary, ""},
		"base64":                       {"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", refreshCanary, ""},
		"16 characters of 32 bytes":    {"ÄÖÜßäöüéèêçñøåæœ", refreshCanary, ""},
		"rotation of both":             {accessCanary + "," + olderCanary, refreshCanary + "," + olderCanary[1:] + "x", ""},
		"31 bytes":                     {accessCanary[:31], refreshCanary, "JWT_ACCESS_SECRET has a value of 31 bytes"},
		"short older one":              {accessCanary, refreshCanary + ",old", "JWT_REFRESH_SECRET has a value of 3 bytes"},
		"comma at the end":             {accessCanary + ",", refreshCanary, "JWT_ACCESS_SECRET has a value of 0 bytes"},
		"equal":                        {accessCanary, accessCanary, "share a value"},
		"new is the other's old":       {accessCanary, refreshCanary + "," + accessCanary, "share a value"},
		"both kept the same old one":   {accessCanary + "," + olderCanary, refreshCanary + "," + olderCanary, "share a value"},
		"space after the comma":        {accessCanary + ", " + olderCanary, refreshCanary, "white space"},
		"space at the end":             {accessCanary, refreshCanary + " ", "JWT_REFRESH_SECRET has a value with white space"},
		"changeme":                     {"changeme-changeme-changeme-abcdefgh-1", refreshCanary, "placeholder"},
		"CHANGE_ME":                    {accessCanary, "CHANGE_ME_to_something_else_of_32_bytes", "JWT_REFRESH_SECRET looks like a placeholder"},
		"your-":                        {"your-256-bit-key-goes-here-really-now", refreshCanary, "placeholder"},
		"replace":                      {"please-REPLACE-this-key-with-another-1", refreshCanary, "placeholder"},
		"called a secret":              {"this-is-my-very-secret-signing-key-42", refreshCanary, "placeholder"},
		"example":                      {"example-key-from-the-documentation-77", refreshCanary, "placeholder"},
		"x":                            {strings.Repeat("x", 40), refreshCanary, "placeholder"},
		"zeros":                        {strings.Repeat("0", 64), refreshCanary, "placeholder"},
		"seven different bytes":        {"qwertyuuqwertyutqwertyurqwertyueqwertyuw", refreshCanary, "placeholder"},
		"one thing over and over":      {strings.Repeat("kEw7Zp04mV", 4), refreshCanary, "placeholder"},
		"short and a placeholder":      {"changeme", refreshCanary, "has a value of 8 bytes"},
		"nearly over and over is fine": {strings.Repeat("kEw7Zp04mV", 4) + "x", refreshCanary, ""},
		"a name in front is fine":      {"gatehouse-access-secret-kEw7Zp04mVq2", refreshCanary, ""},
	} {
		e := production().with(environment{"JWT_ACCESS_SECRET": c.access, "JWT_REFRESH_SECRET": c.refresh})
		if c.want == "" {
			load(t, e)
			continue
		}
		onlyMistake(t, name, e, c.want)
		for _, line := range mistakes(t, e) {
			if strings.Contains(line, c.access) || strings.Contains(line, c.refresh) {
				t.Errorf("%s: the error shows a secret: %s", name, line)
			}
		}
	}
	// Embedded mode makes its own secrets, and accepts no weaker ones from the operator.
	onlyMistake(t, "embedded", environment{"JWT_ACCESS_SECRET": "changeme"}, "has a value of 8 bytes")
}

func TestRotationLists(t *testing.T) {
	t.Parallel()
	c := load(t, production().with(environment{"JWT_ACCESS_SECRET": accessCanary + "," + olderCanary}))
	if len(c.AccessSecrets) != 2 || c.AccessSecrets[0].Reveal() != accessCanary || c.AccessSecrets[1].Reveal() != olderCanary {
		t.Errorf("%d access secrets, or in another order", len(c.AccessSecrets))
	}
	if len(c.RefreshSecrets) != 1 || c.RefreshSecrets[0].Reveal() != refreshCanary {
		t.Errorf("%d refresh secrets", len(c.RefreshSecrets))
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const canary, redacted = "the-canary", "[redacted]"
	secret := config.Secret(canary)
	holder := struct {
		Named   config.Secret
		List    []config.Secret
		Map     map[string]config.Secret
		Pointer *config.Secret
		Any     any
	}{secret, []config.Secret{secret}, map[string]config.Secret{"k": secret}, &secret, secret}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%f", "%c", "%e", "%U", "%20s", "%.3s", "%-5v|"} {
		if got := fmt.Sprintf(verb, secret); strings.Contains(got, "can") || !strings.Contains(got, redacted) {
			t.Errorf("%s prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, holder); strings.Contains(got, canary) || strings.Contains(got, "7468652d63616e617279") {
			t.Errorf("%s of what holds it prints %s", verb, got)
		}
	}
	for how, got := range map[string]string{
		"Sprint": fmt.Sprint(secret), "Sprintln": fmt.Sprintln(holder), "Errorf": fmt.Errorf("x: %v", secret).Error(),
		"error with it": fmt.Errorf("x: %d", secret).Error(), "String": secret.String(),
	} {
		if strings.Contains(got, canary) || !strings.Contains(got, redacted) {
			t.Errorf("%s: %s", how, got)
		}
	}

	encoded, err := json.Marshal(holder)
	if err != nil || strings.Contains(string(encoded), canary) || strings.Count(string(encoded), redacted) != 5 {
		t.Errorf("JSON: %s, %v", encoded, err)
	}

	var text, lines bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&lines, nil)} {
		log := slog.New(handler).With("with", secret)
		log.Info("message", "secret", secret, "holder", holder, "list", holder.List, slog.Group("group", "secret", secret))
		log.Info(fmt.Sprint("in the message ", secret))
	}
	for how, got := range map[string]string{"text": text.String(), "json": lines.String()} {
		if strings.Contains(got, canary) || !strings.Contains(got, redacted) {
			t.Errorf("slog %s: %s", how, got)
		}
	}

	if secret.Reveal() != canary {
		t.Error("Reveal does not")
	}
	if got := fmt.Sprintf("%v%s%#v", config.Secret(""), config.Secret(""), config.Secret("")); got != "" {
		t.Errorf("nothing prints as %q: it looks set", got)
	}
}

// A whole Config in a log line, as in a hurried debugging session.
func TestConfigCanBePrinted(t *testing.T) {
	t.Parallel()
	c := load(t, production().with(environment{"JWT_ACCESS_SECRET": accessCanary + "," + olderCanary}))
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "config", c, "value", *c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "config", c, "value", *c)
	for how, got := range map[string]string{
		"%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", *c), "%#v": fmt.Sprintf("%#v", *c), "JSON": string(encoded), "slog": log.String(),
	} {
		if found := strings.Contains(strings.ToLower(got), "canary"); found {
			t.Errorf("%s shows a secret: %s", how, got)
		}
	}
}
