# The tasks of this repository. `make` lists them.
#
# Needs Go, Node (20.19 or newer), npm, make and git. GNU make 3.81 and a
# POSIX shell will do, so that it works on a Mac as it comes.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# One static binary; only the race detector, in `make test`, needs C.
export CGO_ENABLED := 0

VERSION  = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO_BUILD = go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

PACKAGES := spa/node_modules/.stamp
DIST     := spa/dist/index.html

# Folders are in the list because removing a file touches its folder only.
SPA_SOURCES := $(shell find spa/src spa/public \( -type d -o -type f ! -name '*.test.*' \) 2>/dev/null) \
	$(wildcard spa/index.html spa/vite.config.* spa/tsconfig*.json)

# The product as it runs here: a .env beside this file is read first.
# A byte order mark and carriage returns, which editors on Windows add, are removed:
# they changed the first name and the values.
SERVE = set -a; if [ -f .env ]; then echo 'reading .env'; eval "$$(LC_ALL=C sed "1s/^$$(printf '\357\273\277')//" .env | tr -d '\r')"; fi; set +a; exec

## Using it
.PHONY: help run build dev

help: ## list what there is to do
	@awk 'BEGIN { FS = ":.*## " } \
		/^## / { printf "%s%s\n", (n++ ? "\n" : ""), substr($$0, 4) } \
		/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: build ## build what has changed and serve http://localhost:8080; Ctrl-C ends it
	@$(SERVE) bin/gatehouse serve

# Two at once: Go compiles the packages that do not embed the app while npm installs
# packages and Vite builds. On two cores a first build takes half as long.
build: ## the app and one static binary, bin/gatehouse
	@$(MAKE) --no-print-directory -j2 bin/gatehouse

dev: $(PACKAGES) ## serve http://localhost:8080 with hot reload of the app; Ctrl-C ends both servers
	@$(GO_BUILD) -o bin/gatehouse-dev ./bff
	@$(SERVE) scripts/serve-with-hot-reload

## Checking it
.PHONY: test check check-go check-spa lint bench

test: ## every test, installing what is missing first
	@scripts/run-suites tools packages+tool-caddy+test-manifests build test-go test-spa budget test-browser

check: ## lint, format checks and every test
	@scripts/run-suites tools packages+lint-go+tool-caddy+test-manifests build lint-spa test-go test-spa budget test-browser

check-go: ## the part of check that is about Go, manifests included
	@scripts/run-suites tools packages+lint-go+tool-caddy+test-manifests build test-go

check-spa: ## the part of check that is about the app, browser tests included
	@scripts/run-suites tools build lint-spa test-spa budget test-browser

lint: ## lint and format checks alone
	@scripts/run-suites packages+lint-go lint-spa

bench: build ## Gatehouse beside a bare proxy, nginx and Caddy: ratios, memory, latencies; BENCH='-rounds 20' for flags
	@go build -trimpath -o bin/bench ./bff/bench
	@bin/bench $(BENCH)

## Giving it away
.PHONY: release

release: $(DIST) ## archives for every system, checksums and bills of materials, in dist/
	@scripts/build-release

## Tidying it
.PHONY: fmt pictures clean

fmt: $(PACKAGES) ## format Go and the app
	gofmt -l -w bff spa/*.go
	cd spa && npm run --silent format

pictures: $(DIST) ## take the pictures in README.md from the running product
	@CHROMIUM=$$(bash -c '. scripts/find-test-requirements.sh && chromium_path') && export CHROMIUM && cd spa && node scripts/pictures.mjs

clean: ## remove what was built; ./data and npm packages stay
	rm -rf bin dist spa/dist spa/*.tsbuildinfo spa/test-results spa/playwright-report

# The files behind all that.
.PHONY: bin/gatehouse compiled packages

# Always run: Go's cache finds the changes.
bin/gatehouse: $(DIST) compiled
	@$(GO_BUILD) -o $@ ./bff

# All packages but those that embed the app, or import one that does: the app is
# built at the same time. A failure here is reported when bin/gatehouse fails.
compiled:
	@go build -trimpath $$(go list -e -deps ./bff | grep -vE '/(spa|bff|bff/internal/app)$$') 2>/dev/null || true

# Without the type check, most of `npm run build`: `make lint` and CI have it.
$(DIST): $(PACKAGES) $(SPA_SOURCES)
	cd spa && npm run --silent bundle
	@touch $@

packages: $(PACKAGES)

$(PACKAGES): spa/package.json spa/package-lock.json spa/.npmrc
	@node -e 'const [a, b] = process.versions.node.split("."); if (a < 20 || a == 20 && b < 19) { console.error("Node 20.19 or newer is needed; this is " + process.version); process.exit(1) }'
	cd spa && npm ci
	@touch $@
