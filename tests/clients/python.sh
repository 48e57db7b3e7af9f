#!/usr/bin/env bash
# The Python client: types, style, README, then the harness with the program for threads and the one
# for asyncio. Usage: python.sh HARNESS...
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$CLIENT_TOOLS/python/bin
export PYTHONDONTWRITEBYTECODE=1
(cd clients/python && "$bin/mypy" && "$bin/ruff" check . && "$bin/ruff" format --check .)
"$bin/ruff" check tests/clients
"$bin/ruff" format --check tests/clients
"$bin/python" tests/clients/verbs.py "$TIDU"
"$bin/python" tests/clients/readme.py "$TIDU" python
"$@" --name python -- "$bin/python" clients/python/examples/copy_log.py
"$@" --name python-asyncio -- "$bin/python" tests/clients/copy_log_aio.py
