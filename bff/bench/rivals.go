package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// contender is one of those that are measured side by side.
type contender struct {
	name, addr string
	process    *process // nil for the upstream itself
	idle       usage    // when it had just started
}

const (
	nameDirect    = "direct"
	nameBare      = "bare"
	nameGatehouse = "gatehouse"
	nameOther     = "other" // another Gatehouse
	nameNginx     = "nginx"
	nameCaddy     = "caddy"
)

// findProgram looks where an ordinary user's PATH does not.
func findProgram(candidates ...string) string {
	for _, c := range candidates {
		if path, err := exec.LookPath(c); c != "" && err == nil {
			if abs, err := filepath.Abs(path); err == nil {
				return abs
			}
		}
	}
	return ""
}

func findNginx() string { return findProgram("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx") }

func findCaddy() string { return findProgram(os.Getenv("CADDY"), "bin/tools/caddy", "caddy") }

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

func startNginx(ctx context.Context, program, cores, dir, upstream string) (*contender, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	home, user := filepath.Join(dir, nameNginx), ""
	if os.Geteuid() == 0 {
		user = "user root;" // its workers could not use the folder
	}
	conf := fmt.Sprintf(nginxConf, user, upstream, addr)
	if err := inFolder(home, "nginx.conf", conf); err != nil {
		return nil, err
	}
	p, err := start(nameNginx, cores, home, nil, program, "-p", home, "-c", "nginx.conf", "-e", "stderr")
	return ready(ctx, nameNginx, addr, p, err)
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

func startCaddy(ctx context.Context, program, cores, dir, upstream string) (*contender, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(dir, nameCaddy)
	_, port, _ := strings.Cut(addr, ":")
	if err := inFolder(home, "Caddyfile", fmt.Sprintf(caddyfile, ":"+port, upstream)); err != nil {
		return nil, err
	}
	env := []string{"HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home, "GOMAXPROCS=1"}
	p, err := start(nameCaddy, cores, home, env, program, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	return ready(ctx, nameCaddy, addr, p, err)
}

func startBare(ctx context.Context, cores, dir, upstream string) (*contender, error) {
	p, a, err := startPart(cores, dir, nameBare, upstream)
	return ready(ctx, nameBare, a.Fast, p, err)
}

// ready waits until a proxy forwards, and notes what it takes to be idle.
func ready(ctx context.Context, name, addr string, p *process, err error) (*contender, error) {
	if err != nil {
		return nil, err
	}
	path := smallPath
	if name == nameGatehouse || name == nameOther {
		path = "/healthz" // who is not signed in gets nothing else
	}
	if err := p.await(ctx, addr, path); err != nil {
		return nil, err
	}
	idle, err := p.usage()
	return &contender{name, addr, p, idle}, err
}

func inFolder(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
}
