# Programs that the tests need beyond Go, Node, npm, make and git; sourced by the
# other scripts here. Each has_… succeeds when this machine has the program.

# A Debian user's PATH lacks the folders of servers.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

has_mariadb() { command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null; }

# Debian's mariadb-server depends on it; others' may not.
has_galera() { [ -r /usr/lib/galera/libgalera_smm.so ]; }

has_redis() { command -v redis-server >/dev/null; }

chromium_path() {
	local candidate
	for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
		'/Applications/Chromium.app/Contents/MacOS/Chromium' \
		'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
		if [ -n "$candidate" ] && command -v "$candidate" 2>/dev/null; then return; fi
	done
	return 1
}

has_chromium() { chromium_path >/dev/null; }

# A compiler needs the C library's headers, too.
has_cc() { printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | $(go env CC) -x c -o /dev/null - 2>/dev/null; }

# The version in docker-compose.yml; Debian's is too old for the Caddyfile.
CADDY_MODULE=github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9

caddy_path() {
	local candidate
	for candidate in "${CADDY:-}" "$PWD/bin/tools/caddy" caddy; do
		if [ -n "$candidate" ] && command -v "$candidate" 2>/dev/null; then return; fi
	done
	return 1
}

has_caddy() { caddy_path >/dev/null; }
