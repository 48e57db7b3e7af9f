#!/usr/bin/env bash
# Runs the example subscribers against the real server while both sides are killed, then compares what they hold with the
# log. Installs what the Python and Node examples need under target/. Usage: tests/examples/run.sh [SEED]
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$PWD/target/example-tools
mkdir -p "$tools/node" "$tools/generated"

cargo build --release --locked --quiet --bin tidu
cargo build --locked --quiet --example subscriber

python=$tools/python/bin/python
[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$tools/python"
"$python" -m pip install --quiet --disable-pip-version-check -r examples/python/requirements.txt
(cd proto && "$python" -m grpc_tools.protoc -I . --python_out="$tools/generated" --grpc_python_out="$tools/generated" \
  tidu/v1/*.proto google/type/date.proto)

# Where better-sqlite3 has to be built: the headers beside this node, if it has them.
prefix=$(dirname "$(dirname "$(command -v node)")")
[ ! -f "$prefix/include/node/node.h" ] || export npm_config_nodedir=$prefix
cp examples/node/package.json "$tools/node/"
npm install --silent --no-fund --no-audit --no-package-lock --prefix "$tools/node"

export PYTHONPATH=$tools/generated NODE_PATH=$tools/node/node_modules PYTHONDONTWRITEBYTECODE=1
"$python" tests/examples/kills.py "$@"
