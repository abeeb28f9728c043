package sqlconn

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestMySQLConfigSetsWhatQueriesRelyOn(t *testing.T) {
	for _, dsn := range []string{
		"app:pw@tcp(db:3306)/gatehouse",
		"app:pw@tcp(db:3306)/gatehouse?parseTime=false&loc=Asia%2FTokyo&charset=latin1&collation=latin1_swedish_ci&multiStatements=true&allowAllFiles=true&sql_mode=%27%27",
	} {
		cfg, err := mysqlConfig(dsn, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		text := cfg.FormatDSN()
		for _, want := range []string{"parseTime=true", "charset=utf8mb4", "interpolateParams=true", "sql_mode=%27TRADITIONAL%27"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s becomes %s, which lacks %s", dsn, text, want)
			}
		}
		for _, no := range []string{"loc=", "latin1", "multiStatements", "allowAllFiles"} {
			if strings.Contains(text, no) {
				t.Errorf("%s becomes %s, which still has %s", dsn, text, no)
			}
		}
		if !cfg.RejectReadOnly {
			t.Errorf("%s: a connection to a server that only reads is kept", dsn)
		}
		if cfg.Loc != time.UTC || cfg.Timeout != 3*time.Second || cfg.ReadTimeout != 10*time.Second || cfg.WriteTimeout != 10*time.Second {
			t.Errorf("%s: loc %v, timeouts %v %v %v", dsn, cfg.Loc, cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout)
		}
	}

	cfg, err := mysqlConfig("app:pw@tcp(db)/gatehouse?timeout=7s&readTimeout=8s&writeTimeout=9s&tls=skip-verify", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Timeout != 7*time.Second || cfg.ReadTimeout != 8*time.Second || cfg.WriteTimeout != 9*time.Second || cfg.TLSConfig != "skip-verify" {
		t.Errorf("what the operator chose is lost: %s", cfg.FormatDSN())
	}
}
