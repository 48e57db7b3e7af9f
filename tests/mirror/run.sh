#!/usr/bin/env bash
# Copies in PostgreSQL: mirrors and databases are killed in turn, and the copy is compared with the register.
# TIDU_MIRROR_KILLS says how many kills (12, about half a minute); TIDU_MIRROR_SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/../.."
programs() {
  local initdb
  initdb=$(command -v initdb || find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -1)
  [ -z "$initdb" ] || dirname "$(readlink -f "$initdb")"
}
if [ -z "$(programs)" ]; then
  apt-get install -y --no-install-recommends postgresql >/dev/null ||
    { echo "PostgreSQL is missing and cannot be installed: apt-get install postgresql" >&2 && exit 1; }
fi
TIDU_POSTGRES_BIN=$(programs)
export TIDU_POSTGRES_BIN
"$TIDU_POSTGRES_BIN/postgres" --version
cargo test --test tests mirror::postgres -- --nocapture
