#!/usr/bin/env bash
# Runs the harness in the environment that run.sh made: harness.sh --name NAME -- PROGRAM...
set -euo pipefail
here=$(dirname "$0")
PYTHONDONTWRITEBYTECODE=1 exec "$CLIENT_TOOLS/python/bin/python" "$here/harness.py" --tidu "$TIDU" \
  ${CLIENT_POSTGRES:+--postgres "$CLIENT_POSTGRES"} "$@"
