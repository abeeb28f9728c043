package redisconn

import (
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	for _, tt := range []struct{ url, problem string }{
		{"redis://localhost", ""},
		{"redis://localhost:6379/3", ""},
		{"rediss://ada:hunter2@redis.example:6380?pool_size=50&read_timeout=3s", ""},
		{"redis://[::1]:6379", ""},
		{"redis://a:6379?addr=b:6379&addr=c:6379", ""},
		{"rediss://:hunter2@a:6379?addr=b:6379", ""},
		{"redis://s1:26379?master_name=mymaster&addr=s2:26379&password=hunter2", ""},

		{"", "another scheme"},
		{"localhost:6379", "scheme"},
		{"http://:hunter2@localhost", "scheme"},
		{"unix:///run/redis.sock", "scheme"},
		{"redis://", "no host"},
		{"redis:///0", "no host"},
		{"redis://:hunter2@", "no host"},
		{"redis://:hunter2/x@localhost:6379", "percent-encoded"},
		{"redis://ada:12/hunter2@localhost:6379", "cannot be read"},
		{"redis://:hunter2%zz@localhost:6379", "percent-encoded"},
		{"redis://:hunter2@a:6379,b:6379", "addr="},
		{"redis://:hunter2@localhost/main", "cannot be read"},
		{"redis://:hunter2@localhost?poolsize=5", "poolsize"},
		{"redis://:hunter2@localhost?pool_size=many", "cannot be read"},
		{"redis://localhost?pool_size=0&pipeline_pool_size=10", ""},
		{"redis://:hunter2@localhost?pool_size=-5", "pool_size=-5"}, // go-redis panicked
		{"redis://:hunter2@localhost?pool_size=9223372036854775807", "choose 1 to 100000"},
		{"redis://:hunter2@a?addr=b:6379&pool_size=2000000000", "choose 1 to 100000"},
		{"redis://:hunter2@s1?master_name=m&min_idle_conns=-1&pipeline_pool_size=-1", "pipeline_pool_size=-1"},
		{"redis://ada:12?hunter2@localhost:6379/0", "cannot be read"}, // the rest of a password, as an option
		{"redis://:hunter2@a?addr=b", "cannot be read"},
		{"redis://:hunter2@a?addr=b:6379&read_only=true", "read_only"},
		{"redis://:hunter2@s1?master_name=", "master_name"},
		{"redis://s1?master_name=m&replica_only=1&password=hunter2", "replica_only"},
		{"redis://s1?master_name=m&pasword=hunter2", "pasword"},
	} {
		s, err := Read(Config{URL: tt.url})
		if err == nil {
			if err := s.Open(0, nil).Close(); err != nil {
				t.Error(err)
			}
		}
		check := CheckURL(tt.url, false)
		switch {
		case (err == nil) != (check == nil):
			t.Errorf("%s: Read says %v, CheckURL %v", tt.url, err, check)
		case tt.problem == "" && err != nil:
			t.Errorf("%s: %v", tt.url, err)
		case tt.problem != "" && err == nil:
			t.Errorf("%s: no error, want one about %q", tt.url, tt.problem)
		case err != nil && (!strings.Contains(err.Error(), tt.problem) || !strings.Contains(err.Error(), "REDIS_URL")):
			t.Errorf("%s: %v, want one about REDIS_URL and %q", tt.url, err, tt.problem)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("the password is in the message: %v", err)
		}
	}
}
