package redisconn

import (
	"strings"
	"testing"
)

// The node that a Cluster names by its address is certified by the URL's name,
// and one that has a name of its own by that.
func TestServersAreCertifiedByTheirNameOrTheURLs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ addr, inURL, want string }{
		{"10.0.0.5:6379", "redis.example", "redis.example"},
		{"10.0.0.5:6379", "10.0.0.4", "10.0.0.5"},
		{"redis-2.example:6379", "redis-1.example", "redis-2.example"},
		{"redis-2.example:6379", "10.0.0.4", "redis-2.example"},
		{"[fd00::5]:6379", "fd00::4", "fd00::5"},
		{"[fd00::5]:6379", "redis.example", "redis.example"},
	} {
		if got := certified(tt.addr, tt.inURL); got != tt.want {
			t.Errorf("%s of a URL with %s has to have %s in its certificate, want %s", tt.addr, tt.inURL, got, tt.want)
		}
	}
}

func TestTLSFilesWantAURLThatVerifies(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"rediss://:hunter2@a:6379":                                 "",
		"rediss://:hunter2@a:6379?addr=b:6379":                     "",
		"rediss://:hunter2@a:26379?master_name=m":                  "",
		"redis://:hunter2@a:6379":                                  "write rediss://",
		"redis://:hunter2@a:6379?addr=b:6379":                      "write rediss://",
		"redis://:hunter2@a:26379?master_name=m":                   "write rediss://",
		"rediss://:hunter2@a:6379?skip_verify=true":                "skip_verify",
		"rediss://:hunter2@a:26379?master_name=m&skip_verify=true": "skip_verify",
	} {
		err := CheckURL(url, true)
		if (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}
