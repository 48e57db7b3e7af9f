#!/usr/bin/env bash
# Builds and tests the Go client, and drives its copy program through the scenarios.
# Usage: tests/clients/go.sh HARNESS...   (the command of harness.py up to `--name`)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
built=$root/target/clients/go
mkdir -p "$built"

cd "$root/clients/go"
(cd generate && go vet ./... && go mod verify >/dev/null)
go generate
unformatted=$(gofmt -l . generate copy | grep -v '^tiduv1/' || true)
if [ -n "$unformatted" ]; then
  printf 'gofmt: %s\n' $unformatted >&2
  exit 1
fi
go vet ./...
# The race detector needs a C compiler; a user of the client does not.
go test -race -count 1 ./...
cd copy
go vet ./...
CGO_ENABLED=0 go build -trimpath -o "$built/copy" .
cd "$root"
"$@" --name go -- "$built/copy"
