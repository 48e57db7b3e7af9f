#!/usr/bin/env bash
# Builds and tests the Go client, and drives its copy program through the scenarios.
# Usage: go.sh HARNESS...
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
built=$CLIENT_TOOLS/go
mkdir -p "$built"

cd "$root/clients/go"
(cd generate && go vet ./... && go mod verify >/dev/null)
go generate
unformatted=$(gofmt -l . | grep -v '^tiduv1/' || true)
if [ -n "$unformatted" ]; then
  printf 'gofmt: %s\n' $unformatted >&2
  exit 1
fi
go vet ./...
# The race detector needs a C compiler; a user of the client does not.
go test -race -count 1 .
cd copy
go vet ./...
go build -race -o "$built/copy" .
cd "$root"
"$CLIENT_TOOLS/python/bin/python" tests/clients/readme.py "$TIDU" go
"$@" --name go -- "$built/copy"
