package app

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/mail"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Check validates the settings that only the packages which use them can parse. It
// opens no file for writing and connects to no store. It also accepts a Config that
// config.Load returned with an error, so that one message has every mistake.
func Check(c *config.Config) error {
	_, err := Routes(c)
	return errors.Join(checkSettings(c), err)
}

// checkSettings is Check but for the routes file.
func checkSettings(c *config.Config) error {
	var mistakes []error
	if c.IdentityKey != "" {
		if _, err := token.ParseIdentityKeys([]byte(c.IdentityKey.Reveal())); err != nil {
			mistakes = append(mistakes, fmt.Errorf("IDENTITY_KEY: %w", err))
		}
	}
	if c.MySQLDSN != "" {
		if err := sqlconn.CheckDSN(c.MySQLDSN.Reveal(), c.MySQLTLS != (config.TLSFiles{})); err != nil {
			mistakes = append(mistakes, fmt.Errorf("MYSQL_DSN: %w", err))
		}
	}
	if c.RedisURL != "" {
		mistakes = append(mistakes, redisconn.CheckURL(c.RedisURL.Reveal(), c.RedisTLS != (config.TLSFiles{}))) // nil is dropped by Join
	}
	_, err := storeTLS(c, time.Time{})
	mistakes = append(mistakes, err)
	if c.Embedded {
		mistakes = append(mistakes, datadir.Check(c.DataDir))
	}
	mistakes = append(mistakes, mail.Check(c.SMTPURL.Reveal(), c.MailFrom))
	return errors.Join(mistakes...)
}

// Prefixes of the settings of TLS files.
const (
	mysqlTLS = "MYSQL_TLS"
	redisTLS = "REDIS_TLS"
)

// storeTLS reads the TLS files. Its error has every mistake of both stores, its
// warnings are about well-formed certificates that are not valid at now.
func storeTLS(c *config.Config, now time.Time) (warnings []string, err error) {
	ofMySQL, err1 := tlsfiles.Files(c.MySQLTLS).Check(mysqlTLS, now)
	ofRedis, err2 := tlsfiles.Files(c.RedisTLS).Check(redisTLS, now)
	return slices.Concat(ofMySQL, ofRedis), errors.Join(err1, err2)
}

// Warnings lists certificates that pass Check and are not valid at now.
func Warnings(c *config.Config, now time.Time) []string {
	warnings, err := storeTLS(c, now)
	if err != nil { // a file changed since Check
		return []string{err.Error()}
	}
	return warnings
}
