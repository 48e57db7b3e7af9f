#!/usr/bin/env bash
# Drives the release binary with a Python client through reflection only, and with others over plain HTTP.
# Usage: tests/foreign/run.sh [PYTHON]; the interpreter needs tests/foreign/requirements.txt.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}
data=$(mktemp -d)
cargo build --release --quiet
coproc SERVER { exec target/release/tidu serve --listen 127.0.0.1:0 --operations-listen off --data-dir "$data/tidu-data" 2>"$data/log"; }
server=$SERVER_PID
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT
read -r line <&"${SERVER[0]}"
address=$(sed -E 's|.*http://([^ ]+) .*|\1|' <<<"$line")
"$python" tests/foreign/client.py "$address" v1
"$python" tests/foreign/client.py "$address" v1alpha
"$python" tests/foreign/over_http.py "$address"
