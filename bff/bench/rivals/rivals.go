// Package rivals starts what is measured side by side, each on a core of its own:
// the bare proxy, nginx, Caddy and the upstream behind all of them, and reads what
// a process has used of CPU and memory.
package rivals

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Contender is one of those that are measured side by side.
type Contender struct {
	Name, Addr string
	Process    *Process // nil for the upstream itself
	Idle       Usage    // when it had just started
}

const (
	Direct    = "direct"
	Bare      = "bare"
	Gatehouse = "gatehouse"
	Other     = "other" // another Gatehouse
	Nginx     = "nginx"
	Caddy     = "caddy"
)

// FindProgram looks where an ordinary user's PATH does not.
func FindProgram(candidates ...string) string {
	for _, c := range candidates {
		if path, err := exec.LookPath(c); c != "" && err == nil {
			if abs, err := filepath.Abs(path); err == nil {
				return abs
			}
		}
	}
	return ""
}

func FindNginx() string { return FindProgram("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx") }

func FindCaddy() string { return FindProgram(os.Getenv("CADDY"), "bin/tools/caddy", "caddy") }

// nginxConf is nginx as a proxy at its best: connections to the upstream are
// kept, nothing is logged, answers of 64 KiB fit its buffers.
const nginxConf = `%s
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 100000000;
    upstream api { server %s; keepalive 256; keepalive_requests 100000000; }
    server {
        listen %s;
        location / {
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffer_size 16k; proxy_buffers 16 16k; proxy_max_temp_file_size 0;
        }
    }
}
`

func StartNginx(ctx context.Context, program, cores, dir, upstream string) (*Contender, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	home, user := filepath.Join(dir, Nginx), ""
	if os.Geteuid() == 0 {
		user = "user root;" // its workers could not use the folder
	}
	conf := fmt.Sprintf(nginxConf, user, upstream, addr)
	if err := inFolder(home, "nginx.conf", conf); err != nil {
		return nil, err
	}
	p, err := Start(Nginx, cores, home, nil, program, "-p", home, "-c", "nginx.conf", "-e", "stderr")
	return AwaitReady(ctx, Nginx, addr, p, err)
}

// caddyfile is Caddy as a proxy at its best; it logs no requests by itself.
const caddyfile = `{
	admin off
	auto_https off
	persist_config off
}
http://%s {
	bind 127.0.0.1
	reverse_proxy %s {
		transport http {
			keepalive_idle_conns_per_host 256
			compression off
		}
	}
}
`

func StartCaddy(ctx context.Context, program, cores, dir, upstream string) (*Contender, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(dir, Caddy)
	_, port, _ := strings.Cut(addr, ":")
	if err := inFolder(home, "Caddyfile", fmt.Sprintf(caddyfile, ":"+port, upstream)); err != nil {
		return nil, err
	}
	env := []string{"HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home, "GOMAXPROCS=1"}
	p, err := Start(Caddy, cores, home, env, program, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	return AwaitReady(ctx, Caddy, addr, p, err)
}

func StartBare(ctx context.Context, cores, dir, upstream string) (*Contender, error) {
	p, a, err := StartPart(cores, dir, Bare, upstream)
	return AwaitReady(ctx, Bare, a.Fast, p, err)
}

// AwaitReady waits until a proxy forwards, and notes what it takes to be idle.
func AwaitReady(ctx context.Context, name, addr string, p *Process, err error) (*Contender, error) {
	if err != nil {
		return nil, err
	}
	path := SmallPath
	if name == Gatehouse || name == Other {
		path = "/healthz" // who is not signed in gets nothing else
	}
	if err := p.await(ctx, addr, path); err != nil {
		return nil, err
	}
	idle, err := p.Usage()
	return &Contender{name, addr, p, idle}, err
}

func inFolder(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
}
