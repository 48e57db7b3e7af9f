#!/usr/bin/env bash
# Runs the Connect conformance suite against the protocols of Tidu's port.
#
#   tests/conformance/run.sh DIRECTORY
#
# The suite is installed into the directory. Cases that fail are listed in known-failing.txt, each
# with its reason; a case of that list that passes is a failure, too. known-flaky.txt has those that
# may do either.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "$1"
tools=$(cd "$1" && pwd)
version=v1.0.7

if [ ! -x "$tools/bin/connectconformance" ]; then
  GOBIN=$tools/bin go install "connectrpc.com/conformance/cmd/connectconformance@$version"
fi
# The protos come with the module.
protos=$(go mod download -json "connectrpc.com/conformance@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/proto

# What cargo built is named in its messages.
server=$(cargo test --locked --quiet --no-run --test conformance --message-format json |
  sed -n 's/.*"name":"conformance".*"executable":"\([^"]*\)".*/\1/p')
"$tools/bin/connectconformance" --mode server --conf tests/conformance/config.yaml \
  --known-failing @tests/conformance/known-failing.txt \
  --known-flaky @tests/conformance/known-flaky.txt -- "$server" "$protos"
