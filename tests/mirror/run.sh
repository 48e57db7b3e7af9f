#!/usr/bin/env bash
# Copies in PostgreSQL: mirrors and databases are killed in turn, and the copy is compared with the register. Then
# the same over TLS with certificates made for it. Each cluster is the test's own, in a directory of its own.
# TIDU_MIRROR_KILLS says how many kills (12, about half a minute); TIDU_MIRROR_SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/../.."
programs() {
  local initdb
  initdb=$(command -v initdb || find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -1)
  [ -z "$initdb" ] || dirname "$(readlink -f "$initdb")"
}
if [ -z "$(programs)" ]; then
  # Only the programs are wanted, not the cluster that the package would make and serve.
  settings=/etc/postgresql-common/createcluster.conf
  mkdir -p "${settings%/*}"
  [ -e "$settings" ] || echo 'create_main_cluster = false' >"$settings"
  apt-get update && apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold postgresql ||
    { echo "PostgreSQL is missing and cannot be installed: apt-get install postgresql" >&2 && exit 1; }
fi
TIDU_POSTGRES_BIN=$(programs)
export TIDU_POSTGRES_BIN
"$TIDU_POSTGRES_BIN/postgres" --version
if [ "$(id -u)" = 0 ]; then
  command -v setpriv >/dev/null || { echo "setpriv is missing: apt-get install util-linux" >&2 && exit 1; }
fi
cargo test --test tests -- mirror::postgres mirror::encrypted --nocapture
