#!/usr/bin/env bash
# Measures the database's part with big tables: the migration of a full audit
# trail while it is written to, lists, searches, pruning. It starts a MariaDB of
# its own with a buffer pool of 1 GB, and needs 10 GB in TMPDIR.
#
#   bff/bench/tables.sh [USERS [EVENTS]]
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go test -count=1 -timeout 3h -v -run '^TestTablesOfAnySize$' ./bff/internal/sqlstore -users "${1:-1000000}" -events "${2:-5000000}"
