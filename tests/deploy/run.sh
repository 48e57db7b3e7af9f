#!/usr/bin/env bash
# Tools that others wrote judge what is in deploy/: systemd-analyze the units, hadolint the Dockerfile, kustomize and
# kubeconform the manifests. Then the binary runs as the image and the pod run it, and as the unit restricts it.
# Here run neither systemd nor a container engine nor a cluster: docs/installing.md says what stays untried.
#
#   tests/deploy/run.sh TIDU TOOLS    TOOLS has bin/{kustomize,kubeconform}, python/bin/hadolint and schemas/VERSION
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/wait.sh
tidu=$(realpath "$1") tools=$(realpath "$2")
work=$(mktemp -d)
pids=()
# KILL, because unshare takes no TERM; it takes its child along.
trap 'kill -KILL "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# What `tidu serve` says of itself, by the file of its output.
caller_port() { sed -n 's/^tidu is listening on \(http[^ ]*\).*/\1/p' "$1" | sed 's/127.0.0.1/localhost/'; }
operations_port() { sed -n 's/.*operations on \(http[^ ]*\).*/\1/p' "$1"; }

get() { # URL
  python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=10)' "$1"
}

as() { # name of the principal, command
  local name=$1
  shift
  "$tidu" "$@" --server "$(caller_port "$work/said")" --tls-ca "$work/certs/ca.pem" \
    --tls-cert "$work/certs/$name.pem" --tls-key "$work/certs/$name.key"
}

# Calls of each kind: a bulk of writes, reads, a stream, a verification.
use() {
  "$tidu" generate --authority 440000 --rows 200 --to "$work/list.csv" >/dev/null
  as guangdong.recorder record "$work/list.csv" --authority 440000 --programme specialised-sme \
    --batch "$1" --date 2026-03-01 >/dev/null
  as guangdong.reader count >/dev/null
  as guangdong.reader watch --from 0 --until 100 >/dev/null
  as operator verify >/dev/null
}

printf 'units\n'
for unit in tidu.service tidu-backup.service tidu-backup.timer; do
  # The binary need not be installed here.
  sed "s#/usr/local/bin/tidu#$tidu#" "deploy/systemd/$unit" >"$work/$unit"
done
systemd-analyze verify "$work"/tidu*.service "$work/tidu-backup.timer"
for unit in tidu tidu-backup; do
  systemd-analyze security --offline=true --threshold=20 --no-pager "$work/$unit.service" | tail -n 1
done

printf 'Dockerfile\n'
"$tools/python/bin/hadolint" --failure-threshold info deploy/Dockerfile

printf 'manifests\n'
"$tools/bin/kustomize" build deploy/kubernetes >"$work/manifests.yaml"
for schemas in "$tools"/schemas/*; do
  printf '%s: ' "${schemas##*/}"
  "$tools/bin/kubeconform" -strict -summary \
    -schema-location "$schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$work/manifests.yaml"
done

printf 'certificates and principals\n'
"$tidu" dev-certs --dir "$work/certs" >/dev/null

printf 'the calls to the system that the unit allows\n'
strace --follow-forks --summary-only --output="$work/calls" \
  sh -c "echo \$\$ >'$work/pid'; exec '$tidu' serve --config '$work/certs/tidu.toml' --data-dir '$work/traced' \
    --listen 127.0.0.1:0 --operations-listen 127.0.0.1:0" >"$work/said" 2>"$work/lines" &
tracer=$!
wait_for "$work/pid" '[0-9]'
server=$(cat "$work/pid")
pids=("$server" "$tracer")
wait_for "$work/said" 'operations'
use 2026-1
for path in startupz healthz readyz metrics; do get "$(operations_port "$work/said")/$path"; done
kill -HUP "$server"
kill -TERM "$server"
wait "$tracer"
pids=()
# The names of a set, sets within it resolved.
members() {
  local name
  systemd-analyze syscall-filter "$1" | sed '1d; s/^ *//; /^#/d; /^$/d' | while read -r name; do
    case $name in
      @*) members "$name" ;;
      *) printf '%s\n' "$name" ;;
    esac
  done
}
sets() { sed -n "s/^SystemCallFilter=$1\(@.*\)/\1/p" deploy/systemd/tidu.service | tr ' ' '\n'; }
for set in $(sets ''); do members "$set"; done | sort -u >"$work/allowed"
for set in $(sets '~'); do members "$set"; done | sort -u >"$work/denied"
awk '$1 ~ /^[0-9.]+$/ && $NF != "total" { print $NF }' "$work/calls" | sort -u >"$work/used"
refused=$(comm -23 "$work/used" <(comm -23 "$work/allowed" "$work/denied"))
printf '%s calls used, %s allowed\n' "$(wc -l <"$work/used")" "$(wc -l <"$work/allowed")"
# The shell that starts it is not the server.
if [ -n "$refused" ]; then
  printf 'the unit refuses what the server uses:\n%s\n' "$refused" >&2
  exit 1
fi

printf 'the binary and its libraries alone, read-only, as a user without rights\n'
root=$work/root
mkdir -p "$root"/{data,proc,dev,etc/tidu,run/secrets,usr/local/bin} "$work/volume"
cp "$tidu" "$root/usr/local/bin/tidu"
# A static binary has none.
{ ldd "$tidu" || true; } 2>/dev/null | sed -n 's#^[^/]*\(/[^ ]*\).*#\1#p' | while read -r library; do
  cp --parents --dereference "$library" "$root"
done
touch "$root"/dev/{null,random,urandom}
# The settings of the pod, with secrets as a pod has them: root's, and readable for the group.
cp deploy/kubernetes/tidu.toml "$root/etc/tidu/"
mkdir "$root"/run/secrets/{tls,principals}
cp "$work/certs/server.pem" "$root/run/secrets/tls/tls.crt"
cp "$work/certs/server.key" "$root/run/secrets/tls/tls.key"
cp "$work/certs/ca.pem" "$root/run/secrets/tls/ca.crt"
cp "$work/certs/principals.toml" "$root/run/secrets/principals/"
chown -R root:65532 "$root/run/secrets"
chmod 0440 "$root"/run/secrets/*/*
# A volume belongs to root and to the group of the pod.
chown root:65532 "$work/volume"
chmod 2775 "$work/volume"
chmod 0755 "$work"
read -ra entry <<<"$(sed -n 's/^ENTRYPOINT \[\(.*\)\]/\1/p' deploy/Dockerfile | tr -d '",')"
rm "$work/said"
unshare --mount --pid --fork --kill-child sh -eu -c '
  root=$1 volume=$2
  shift 2
  mount --bind "$root" "$root"
  mount --bind "$volume" "$root/data"
  for device in null random urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
  mount -t proc proc "$root/proc"
  mount -o remount,bind,ro "$root"
  export TIDU_LISTEN=127.0.0.1:0 TIDU_OPERATIONS_LISTEN=127.0.0.1:0
  exec setpriv --no-new-privs chroot --userspec=65532:65532 --groups= "$root" "$@"
' sh "$root" "$work/volume" "${entry[@]}" >"$work/said" 2>"$work/lines" &
pids=($!)
wait_for "$work/said" 'operations' || { cat "$work/lines" >&2; exit 1; }
use 2026-2
for path in $(sed -n 's/^ *path: //p' deploy/kubernetes/statefulset.yaml); do
  get "$(operations_port "$work/said")$path"
done
# The server makes its directory for itself alone, whatever the volume's mode.
[[ $(stat -c %a:%u "$work/volume/log") == *700:65532 ]]
pkill -TERM --parent "${pids[0]}"
wait "${pids[0]}"
pids=()
printf 'all of them agree\n'
