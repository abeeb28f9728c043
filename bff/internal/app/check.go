package app

import (
	"errors"
	"fmt"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/mail"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Check looks at the values that only the rooms which use them can read, all
// of them. Nothing is opened and nothing connects. It also takes a Config that
// config.Load complained about, so that every mistake is told at once.
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
		if err := sqlstore.CheckDSN(c.MySQLDSN.Reveal()); err != nil {
			mistakes = append(mistakes, fmt.Errorf("MYSQL_DSN: %w", err))
		}
	}
	if c.RedisURL != "" {
		mistakes = append(mistakes, redisstore.CheckURL(c.RedisURL.Reveal())) // nil is dropped by Join
	}
	if c.Embedded {
		mistakes = append(mistakes, checkDataDir(c.DataDir))
	}
	mistakes = append(mistakes, mail.Check(c.SMTPURL.Reveal(), c.MailFrom))
	return errors.Join(mistakes...)
}
