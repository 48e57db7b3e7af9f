#!/usr/bin/env bash
# Judges the clients against the real server: one harness for all, see docs/clients.md.
# Usage: tests/clients/run.sh [CLIENT]...   TIDU names the server's binary; without it, it is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CLIENT_TOOLS=$PWD/target/clients
mkdir -p "$CLIENT_TOOLS"

if [ -z "${TIDU:-}" ]; then
  cargo build --release --locked --quiet --bin tidu
  export TIDU=$PWD/target/release/tidu
fi

# The harness speaks to servers through the Python client.
python=$CLIENT_TOOLS/python/bin/python
[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$CLIENT_TOOLS/python"
"$python" -m pip install --quiet --disable-pip-version-check './clients/python[postgres,check]'

find_postgres() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
  [ -n "$found" ] && [ -x "$found/initdb" ] && export CLIENT_POSTGRES=$found
}
find_postgres || { apt-get update && apt-get install -y --no-install-recommends postgresql && find_postgres; } ||
  echo 'PostgreSQL CANNOT BE INSTALLED: its half of the recipes is not tested' >&2

[ $# -gt 0 ] || set -- python typescript go java
for client in "$@"; do
  script=tests/clients/$client.sh
  [ -x "$script" ] || continue
  printf -- '-- %s\n' "$client"
  "$script" tests/clients/harness.sh
done
