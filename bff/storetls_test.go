package main

import (
	"crypto/x509"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

func TestConfigReadsTheTLSFilesOfTheStores(t *testing.T) {
	t.Parallel()
	fresh := dotEnv(gatehouse(t, nil, "keys").stdout)
	fresh["PUBLIC_URL"], fresh["MYSQL_DSN"], fresh["REDIS_URL"] = "https://app.example.com", "u:canary@tcp(mysql:3306)/gatehouse?tls=true", "rediss://:canary@redis:6379"
	config := func(settings map[string]string) result {
		t.Helper()
		env := maps.Clone(fresh)
		maps.Copy(env, settings)
		return gatehouse(t, env, "config")
	}
	a := servertest.NewAuthority(t, nil)
	cert, key := a.Issue("gatehouse", nil)
	good := map[string]string{"MYSQL_TLS_CA": a.File, "MYSQL_TLS_CERT": cert, "MYSQL_TLS_KEY": key, "REDIS_TLS_CA": a.File, "REDIS_TLS_CERT": cert, "REDIS_TLS_KEY": key}
	config(good).want(t, "good files", 0, "REDIS_TLS_KEY="+key+"\n", "")

	old := servertest.NewAuthority(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	config(map[string]string{"REDIS_TLS_CA": old.File}).want(t, "an expired authority", 0, "REDIS_TLS_CA="+old.File, "warning: REDIS_TLS_CA: the certificate of \"CN=an authority for tests\" expired on ")

	// All that is wrong with the files of both is said at once.
	bad := config(map[string]string{
		"MYSQL_TLS_CA": "/nowhere/ca.pem", "MYSQL_TLS_CERT": cert, "REDIS_TLS_CA": key, "REDIS_TLS_KEY": "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
		"REDIS_URL": "redis://:canary@redis:6379", "MYSQL_DSN": "u:canary@tcp(mysql:3306)/gatehouse?tls=skip-verify",
	})
	for _, want := range []string{
		"MYSQL_DSN: ", "write tls=true", "write rediss://", "MYSQL_TLS_CA: open /nowhere/ca.pem", "MYSQL_TLS_CERT is set without MYSQL_TLS_KEY",
		"REDIS_TLS_KEY: is PEM text", "REDIS_TLS_KEY is set without REDIS_TLS_CERT",
	} {
		bad.want(t, "bad files", 1, "", want)
	}
	if strings.Contains(bad.stderr, "canary") {
		t.Errorf("a secret is shown:\n%s", bad.stderr)
	}
}
