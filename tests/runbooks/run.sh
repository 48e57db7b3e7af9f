#!/usr/bin/env bash
# Plays the runbooks of docs/runbooks.md: for each, a scene makes the incident, the commands of the page run as they are
# printed, and checks look whether they helped. Paths of the page are moved into a temporary directory; `systemctl` is a
# script that does to the server what systemd would do.
#
#   tests/runbooks/run.sh TIDU              all of them
#   tests/runbooks/run.sh TIDU disk keys    some: disk, keys, authority, operator, province, restore
set -euo pipefail
# Mounts and processes of its own: a small disk, and nothing that stays behind.
if [ -z "${RUNBOOKS_INSIDE:-}" ]; then
  exec env RUNBOOKS_INSIDE=1 unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
tidu=$(realpath "$1")
shift
page=$(realpath "$(dirname "$0")/../../docs/runbooks.md")
[ $# -gt 0 ] || set -- disk keys authority operator province restore
root=
leave() {
  [ -z "$root" ] && return
  systemctl kill
  umount "$root/var/lib/tidu" 2>/dev/null || true
  rm -rf "$root"
}
trap leave EXIT
export TIDU_LANG=en
original_path=$PATH

# ---- A machine as docs/installing.md makes one, with a server that knows its callers ----

free_ports() { # how many
  python3 -c 'import socket, sys
open_now = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(each.getsockname()[1] for each in open_now))' "$1"
}

machine() {
  root=$(mktemp -d)
  mkdir -p "$root"/{bin,run,work,etc/tidu/principals,var/lib/tidu,var/backups,srv/subscriber,srv/elsewhere}
  ln -s "$tidu" "$root/bin/tidu"
  export PATH=$root/bin:$original_path XDG_CONFIG_HOME=$root/run
  cd "$root/work"
  local port operations
  read -r port operations <<<"$(free_ports 2)"
  tidu dev-certs --dir "$root/etc/tidu/tls" >/dev/null 2>&1
  cat >"$root/etc/tidu/tidu.toml" <<TOML
listen = "127.0.0.1:$port"
operations_listen = "127.0.0.1:$operations"
data_dir = "$root/var/lib/tidu/log"
tls_cert = "$root/etc/tidu/tls/server.pem"
tls_key = "$root/etc/tidu/tls/server.key"
tls_client_ca = "$root/etc/tidu/tls/ca.pem"
tls_client_crl = ["$root/etc/tidu/tls/crl.pem"]
principals = "$root/etc/tidu/principals"
TOML
  # One file for the recorder of Guangdong, one for everybody else.
  awk -v folder="$root/etc/tidu/principals" 'BEGIN { RS = "" } /\[\[principal\]\]/ {
    print $0 "\n" > (folder (/"guangdong.recorder"/ ? "/guangdong.toml" : "/others.toml"))
  }' "$root/etc/tidu/tls/principals.toml"
  local name
  while read -r context name; do
    tidu context add "$context" --server "https://localhost:$port" --tls-ca "$root/etc/tidu/tls/ca.pem" \
      --tls-cert "$root/etc/tidu/tls/$name.pem" --tls-key "$root/etc/tidu/tls/$name.key" >/dev/null
  done <<'NAMES'
operator operator
auditor auditor
recorder guangdong.recorder
province guangdong.reader
ministry ministry.recorder
NAMES
  cat >"$root/bin/systemctl" <<SH
#!/usr/bin/env bash
exec bash '$root/bin/service' "\$@"
SH
  cat >"$root/bin/service" <<SH
set -eu
cd '$root/run'
pid=\$(cat pid 2>/dev/null || true)
gone() { for _ in \$(seq 300); do kill -0 "\$1" 2>/dev/null || return 0; sleep 0.1; done; return 1; }
case \$1 in
  start)
    rm -f said
    env -u TIDU_CONTEXT '$root/bin/tidu' serve --config '$root/etc/tidu/tidu.toml' >said 2>>lines &
    echo \$! >pid
    for _ in \$(seq 300); do grep -qs listening said && exit; kill -0 \$! || break; sleep 0.1; done
    tail -n 5 lines >&2
    exit 1 ;;
  stop) [ -z "\$pid" ] || { kill -TERM "\$pid" 2>/dev/null || true; gone "\$pid"; rm pid; } ;;
  kill) [ -z "\$pid" ] || { kill -KILL "\$pid" 2>/dev/null || true; gone "\$pid"; rm pid; } ;;
  reload) kill -HUP "\$pid" ;;
esac
SH
  chmod +x "$root/bin/systemctl"
}

# Runs the blocks of a section of the page, each in the form that a reader types; between them come the
# deeds of the scene: `NAME_after_1`, `NAME_after_2`.
run_section() { # name, heading
  local name=$1 block
  awk -v heading="## $2" -v folder="$root/run" '
    /^## / { inside = $0 == heading; next }
    inside && /^<!-- not run:/ { skip = 1; next }
    inside && /^```sh$/ { if (!skip) file = folder "/block-" ++count; next }
    /^```$/ { file = ""; skip = 0; next }
    file { print > file }
  ' "$page"
  for block in $(seq "$(find "$root/run" -name 'block-*' | wc -l)"); do
    sed -i -E "s#/(var/lib|var/backups|etc)/tidu#$root&#g; s#/srv/#$root&#g" "$root/run/block-$block"
    if ! sh -eu "$root/run/block-$block" >"$root/run/output-$block" 2>&1 </dev/null; then
      fail "block $block of '$2' failed" "$root/run/output-$block"
    fi
    if declare -F "${name}_after_$block" >/dev/null; then "${name}_after_$block"; fi
  done
  [ -e "$root/run/block-1" ] || fail "'$2' has no commands"
}

fail() { # what, file that shows it
  printf '%s\n' "$1" >&2
  [ $# -lt 2 ] || cat "$2" >&2
  exit 1
}

expect() { # what must hold, command
  local what=$1
  shift
  "$@" >"$root/run/last" 2>&1 || fail "not so: $what" "$root/run/last"
}

refuse() { # what must not succeed, what it says, command
  local what=$1 says=$2
  shift 2
  if "$@" >"$root/run/last" 2>&1; then fail "it succeeded: $what" "$root/run/last"; fi
  grep -q -- "$says" "$root/run/last" || fail "$what: it does not say '$says'" "$root/run/last"
}

in_time() { # what must hold soon, command
  local what=$1
  shift
  for _ in $(seq 100); do
    "$@" >"$root/run/last" 2>&1 && return
    sleep 0.1
  done
  fail "not within ten seconds: $what" "$root/run/last"
}

size() { tidu status --context operator | sed -n 's/^events *//p'; }

# Records rows of one made-up list, so that later rows are other enterprises.
record() { # first row, last row, batch
  tidu generate --authority 440000 --rows "$2" --to all.csv >/dev/null
  { head -n 1 all.csv; sed -n "$(($1 + 1)),$(($2 + 1))p" all.csv; } >rows.csv
  tidu record rows.csv --context recorder --authority 440000 --programme specialised-sme --batch "$3" \
    --date 2026-03-01
}

# ---- The runbooks ----

disk_scene() {
  mount -t tmpfs -o size=256m,mode=0755 tmpfs "$root/var/lib/tidu"
  systemctl start tidu
  record 1 50 2026-1 >/dev/null
  # Somebody leaves a file there that takes all but 20 MiB.
  fallocate -l "$(($(stat -f -c '%a * %S' "$root/var/lib/tidu") - 20 * 1024 * 1024))" "$root/var/lib/tidu/core"
  in_time 'appends are refused' is_refused
  refuse 'an append on a full disk' DISK_LOW record 51 60 2026-2
}
is_refused() { tidu status --context operator | grep '^appends '; }
disk_after_1() {
  grep -q 'core' "$root/run/output-1" || fail 'the largest file is not listed' "$root/run/output-1"
  rm "$root/var/lib/tidu/core"
}
disk_check() {
  grep -q '^appends ' "$root/run/output-2" && fail 'appends are still refused' "$root/run/output-2"
  grep -q '^OK  *readiness' "$root/run/output-2" || fail 'it is not ready' "$root/run/output-2"
  expect 'appends work again' record 51 60 2026-2
  [ "$(size)" = 60 ] || fail "the log has $(size) events"
}

keys_scene() {
  local tls=$root/etc/tidu/tls
  systemctl start tidu
  record 1 50 2026-1 >/dev/null
  refuse 'a reader that records' NOT_ENTITLED tidu record rows.csv --context province --authority 440000 \
    --programme specialised-sme --batch 2026-2 --date 2026-03-01
  # A CA hands out a certificate with a new key, and a list with the caller whose key was stolen.
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/server.key.new" \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost -out request 2>/dev/null
  openssl x509 -req -in request -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -days 5 -copy_extensions copy \
    -out "$tls/server.pem.new" 2>/dev/null
  chmod 0600 "$tls/server.key.new"
  cp -r "$tls" ca
  tidu dev-certs revoke guangdong.reader --dir ca >/dev/null
  mv ca/crl.pem "$tls/crl.pem.new"
  expected=$(openssl x509 -in "$tls/server.pem.new" -noout -fingerprint)
}
served() {
  local port
  port=$(sed -n 's/^listen = .*:\([0-9]*\)"/\1/p' "$root/etc/tidu/tidu.toml")
  [ "$(openssl s_client -connect "localhost:$port" -servername localhost </dev/null 2>/dev/null |
    openssl x509 -noout -fingerprint)" = "$expected" ]
}
keys_after_1() { in_time 'the new certificate is served' served; }
keys_check() {
  grep -q 'guangdong.reader' "$root/run/output-2" || fail 'the trail does not say it' "$root/run/output-2"
  in_time 'the stolen key is of no use' not_served
  expect 'others are served' tidu status --context operator
}
not_served() { ! tidu count --context province; }

authority_scene() {
  systemctl start tidu
  record 1 50 2026-1 >/dev/null
  record 51 65 2026-2 >/dev/null
  record 66 80 2026-2 >/dev/null
}
authority_after_1() {
  in_time 'the principal is out' refused_recorder
}
refused_recorder() { ! record 81 82 2026-2; }
authority_check() {
  grep -q '^30 ' "$root/run/output-2" || fail 'not all events of the principal were found' "$root/run/output-2"
  [ "$(tidu events --context auditor --from 80 --kind annulled -o tsv --limit 100 | wc -l)" = 31 ] ||
    fail 'not every event was annulled' "$root/run/output-3"
  tail -n 3 "$root/run/output-3" | grep -q '^0 ' || fail 'something still differs' "$root/run/output-3"
}

operator_scene() {
  systemctl start tidu
  record 1 50 2026-1 >/dev/null
  expect 'a backup' tidu backup "$root/srv/elsewhere/before" --context auditor
  record 51 60 2026-2 >/dev/null
  tidu watch --until 60 -o json --context auditor >"$root/srv/subscriber/log.jsonl" 2>/dev/null
  expect 'a backup' tidu backup "$root/srv/elsewhere/backup" --context auditor
  systemctl stop tidu
  systemctl start tidu
}
operator_check() {
  # The operator writes the end of the log anew, and the trail without one line.
  systemctl stop tidu
  sed -i 2d "$root/var/lib/tidu/log/audit.jsonl"
  cp "$root/var/lib/tidu/log/audit.jsonl" .
  rm -r "$root/var/lib/tidu/log"
  expect 'a restore' tidu restore "$root/srv/elsewhere/before" --data-dir "$root/var/lib/tidu/log"
  systemctl start tidu
  record 71 80 2026-2 >/dev/null
  expect 'such a log verifies by itself' tidu verify --context auditor
  refuse 'a copy against it' ' 50' tidu diff "$root/srv/subscriber/log.jsonl" --context auditor
  refuse 'the trail' 'line' tidu audit verify audit.jsonl --chain-only
}

province_scene() {
  systemctl start tidu
  record 1 20 2026-1 >/dev/null
  expect 'a cursor' tidu cursor create guangdong --context province
  tidu watch --cursor guangdong --until 20 -o json --context province >events.jsonl 2>/dev/null
  record 21 400 2026-1 >/dev/null
}
province_check() {
  grep -q '20 of 400' "$root/run/output-1" || fail 'the lag is not shown' "$root/run/output-1"
  grep -q '400 of 400' "$root/run/output-2" || fail 'the cursor did not move' "$root/run/output-2"
  diff <(sed 's/^{"position":"\([0-9]*\)".*/\1/' events.jsonl) <(seq 0 399) ||
    fail 'an event is missing, or came twice'
}

restore_scene() {
  systemctl start tidu
  record 1 300 2026-1 >/dev/null
  expect 'a backup' tidu backup "$root/var/backups/tidu" --context auditor
  record 301 350 2026-2 >/dev/null
  tidu watch --until 350 -o json --context auditor >"$root/srv/subscriber/log.jsonl" 2>/dev/null
  deliver --until 350
  expect 'a cursor' tidu cursor create copies --context province
  tidu cursor advance copies 350 --context province >/dev/null
  # The disk with the log is gone.
  systemctl kill
}
deliver() {
  tidu watch --exec 'cat >/dev/null' --state delivery.state --context auditor --attempts 1 "$@" \
    >"$root/run/last" 2>&1
}
restore_after_2() {
  [ "$(size)" = 300 ] || fail "the log has $(size) events" "$root/run/output-2"
  refuse 'a delivery that is ahead' '350' deliver --until 351
  refuse 'a stream that is ahead' POSITION_BEYOND_LOG tidu watch --from 350 --no-resume --context auditor
}
restore_check() {
  [ "$(size)" = 350 ] || fail 'the lost events were not recorded again' "$root/run/output-3"
  # The table says this of those who were ahead.
  sed -i 's/"next_position":350/"next_position":300/' delivery.state
  tidu cursor create copies --context province >/dev/null 2>&1 || true
  expect 'a cursor that was ahead' tidu cursor advance copies 300 --force --context province
  expect 'a delivery from the end of the backup' deliver --until 350
}

declare -A headings=(
  [disk]='The disk is full'
  [keys]='A certificate or a key is lost'
  [authority]='An authority is compromised'
  [operator]='The operator is suspected'
  [province]='A province was cut off for a week'
  [restore]='A restore lies behind what was delivered'
)
# A runbook without a scene is not tried.
diff <(sed -n 's/^## //p' "$page" | sort) <(printf '%s\n' "${headings[@]}" | sort)
for name in "$@"; do
  printf '%s\n' "${headings[$name]}"
  machine
  "${name}_scene"
  run_section "$name" "${headings[$name]}"
  "${name}_check"
  leave
  root=
done
printf 'all of them help\n'
