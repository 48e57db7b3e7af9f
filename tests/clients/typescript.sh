#!/usr/bin/env bash
# The TypeScript client: types, style, README, then the harness over each protocol.
# Usage: typescript.sh HARNESS...
set -euo pipefail
cd "$(dirname "$0")/../.."
# Where better-sqlite3 has to be built: the headers beside this node, if it has them.
prefix=$(dirname "$(dirname "$(command -v node)")")
[ ! -f "$prefix/include/node/node.h" ] || export npm_config_nodedir=$prefix
npm install --silent --no-fund --no-audit --prefix clients/typescript
npm run --silent check --prefix clients/typescript
npm install --silent --no-fund --no-audit --prefix clients/typescript/examples
node tests/clients/verbs.mjs "$TIDU" grpc grpc-web connect
"$CLIENT_TOOLS/python/bin/python" tests/clients/readme.py "$TIDU" typescript
# A real browser, where one can be had.
if command -v chromium >/dev/null || { [ -z "${CLIENTS_BRIEF:-}" ] && apt-get update && apt-get install -y --no-install-recommends chromium; }; then
  npm install --silent --no-fund --no-audit --prefix "$CLIENT_TOOLS/browser" esbuild@0.28.2
  esbuild=$CLIENT_TOOLS/browser/node_modules/esbuild
  node tests/clients/browser.mjs "$TIDU" "$esbuild" "$(command -v chromium)" grpc-web connect
else
  echo 'Chromium IS NOT THERE: no page in a browser is tested' >&2
fi
program=(node clients/typescript/examples/copy-log.js)
"$@" --name typescript -- "${program[@]}"
# The scripted server speaks gRPC only; these are the scenarios in which the protocols differ.
few='first event,kills,silent server,quiet,filter that the server,changed on the way,over tls,rights'
[ -z "${CLIENTS_BRIEF:-}" ] || few='first event,over tls'
for protocol in grpc-web connect; do
  "$@" --name "typescript-$protocol" --real-only --only "$few" -- "${program[@]}" --protocol "$protocol"
done
