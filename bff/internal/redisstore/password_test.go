package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

func TestErrorsDoNotTellThePassword(t *testing.T) {
	server := servertest.Redis(t)
	url := strings.Replace(server.URL, "redis://", "redis://ada:hunter2@", 1)
	for _, url := range []string{url, url + "?addr=" + server.Addr(), url + "?master_name=m"} {
		_, err := open(t, url, time.Now).Get(t.Context(), "u", "s")
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("with a wrong password: %v", err)
		}
	}
}

func TestNowIsRequired(t *testing.T) {
	if _, err := redisstore.Open(t.Context(), redisstore.Config{URL: "redis://localhost"}); err == nil {
		t.Error("opened without a clock")
	}
}
