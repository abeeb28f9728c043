package main

import (
	"strings"
	"testing"
)

func TestConfigSaysHowManyConnectionsInstancesOpen(t *testing.T) {
	t.Parallel()
	fresh := dotEnv(gatehouse(t, nil, "keys").stdout)
	fresh["PUBLIC_URL"], fresh["MYSQL_DSN"] = "https://app.example.com", "u:canary@tcp(mysql:3306)/gatehouse"
	fresh["MYSQL_MAX_CONNECTIONS"] = "40"
	for url, want := range map[string]string{
		"redis://redis:6379?pool_size=20":                   "# Redis: an instance opens 21 connections at most",
		"redis://a:6379?addr=b:6379&pool_size=20":           "# Redis, each master: an instance opens 21 connections at most",
		"redis://a:26379?master_name=sessions&pool_size=20": "# Redis: an instance opens 21 connections at most",
	} {
		fresh["REDIS_URL"] = url
		got := gatehouse(t, fresh, "config")
		got.want(t, url, 0, "# MySQL: an instance opens 40 connections at most.", "")
		got.want(t, url, 0, "130 for 2 instances, 210 for 4, 370 for 8", "") // (2 + 1) × 40 + 10
		got.want(t, url, 0, want, "")
		got.want(t, url, 0, "73 for 2 instances, 115 for 4, 199 for 8", "")
	}
	embedded := gatehouse(t, map[string]string{"DATA_DIR": t.TempDir()}, "config")
	if strings.Contains(embedded.stdout, "connections at most") {
		t.Errorf("embedded mode has no connections:\n%s", embedded.stdout)
	}
}
