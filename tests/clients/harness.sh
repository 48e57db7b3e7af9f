#!/usr/bin/env bash
# Runs the harness in the environment that run.sh made: harness.sh --name NAME -- PROGRAM...
set -euo pipefail
here=$(dirname "$0")
# The scripted server would report each client that leaves it.
export GRPC_VERBOSITY=ERROR PYTHONDONTWRITEBYTECODE=1
exec "$CLIENT_TOOLS/python/bin/python" "$here/harness.py" --tidu "$TIDU" \
  ${CLIENT_POSTGRES:+--postgres "$CLIENT_POSTGRES"} "$@"
