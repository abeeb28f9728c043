package config

import "fmt"

// mode checks that the settings fit PUBLIC_URL: https, stores and secrets anywhere but
// on localhost.
func (v *variables) mode(c *Config, mistakes *problems) {
	local := isLocal(c.PublicURL)
	if !local && c.PublicURL.Scheme != "https" {
		mistakes.addf("PUBLIC_URL is %s; anything but localhost must be https", c.PublicURL)
	}
	if c.Embedded {
		v.tlsWithoutStores(mistakes)
	}
	if c.Embedded && local {
		return
	}
	if v.MySQLDSN == "" {
		mistakes.addf("MYSQL_DSN is missing; write user:password@tcp(host:3306)/database%s", v.why(c))
	}
	if v.RedisURL == "" {
		mistakes.addf("REDIS_URL is missing; write redis://:password@host:6379/0%s", v.why(c))
	}
	for _, s := range []struct{ name, value string }{
		{"JWT_ACCESS_SECRET", v.JWTAccessSecret}, {"JWT_REFRESH_SECRET", v.JWTRefreshSecret}, {"IDENTITY_KEY", v.IdentityKey},
	} {
		if s.value == "" {
			mistakes.addf("%s is missing; `gatehouse keys` prints a fresh one", s.name)
		}
	}
}

// tlsWithoutStores refuses TLS files without a store, where they have no effect.
func (v *variables) tlsWithoutStores(mistakes *problems) {
	for _, s := range []struct{ name, value, store string }{
		{"MYSQL_TLS_CA", v.MySQLTLSCA, "MYSQL_DSN"}, {"MYSQL_TLS_CERT", v.MySQLTLSCert, "MYSQL_DSN"}, {"MYSQL_TLS_KEY", v.MySQLTLSKey, "MYSQL_DSN"},
		{"REDIS_TLS_CA", v.RedisTLSCA, "REDIS_URL"}, {"REDIS_TLS_CERT", v.RedisTLSCert, "REDIS_URL"}, {"REDIS_TLS_KEY", v.RedisTLSKey, "REDIS_URL"},
	} {
		if s.value != "" {
			mistakes.addf("%s is set, and %s is not; set both, or leave both out for embedded mode", s.name, s.store)
		}
	}
}

func (v *variables) why(c *Config) string {
	if c.Embedded {
		return fmt.Sprintf(" (embedded mode is for localhost, and PUBLIC_URL is %s)", c.PublicURL)
	}
	return " (MySQL and Redis go together; leave both out for embedded mode)"
}
