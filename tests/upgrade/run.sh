#!/usr/bin/env bash
# The drill of docs/installing.md with two real binaries: upgrade, go back one version, and restore the backup that was
# made before. The older binary must read what the newer one wrote, or refuse it and leave every byte as it was.
#
#   tests/upgrade/run.sh OLD NEW
set -euo pipefail
old=$(realpath "$1") new=$(realpath "$2")
work=$(mktemp -d)
server=
trap 'kill -KILL ${server:-} 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
export XDG_CONFIG_HOME=$work TIDU_LANG=en

# Starts a server and waits until it serves or ends: 1 if it ended.
start() { # binary, further arguments
  rm -f "$work/said"
  "$1" serve --data-dir "$work/log" --listen 127.0.0.1:0 --operations-listen off "${@:2}" \
    >"$work/said" 2>"$work/lines" &
  server=$!
  for _ in $(seq 300); do
    TIDU_SERVER=$(sed -n 's/^tidu is listening on \(http[^ ]*\).*/\1/p' "$work/said" 2>/dev/null || true)
    export TIDU_SERVER
    [ -n "$TIDU_SERVER" ] && return
    kill -0 "$server" 2>/dev/null || { wait "$server" || true; server=; return 1; }
    sleep 0.1
  done
  printf 'no server after 30 s\n' >&2
  exit 1
}

stop() {
  kill -TERM "$server"
  wait "$server"
  server=
}

# Each list is another authority's, because made-up enterprises of one authority have the same codes.
record() { # binary, authority
  "$1" generate --authority "$2" --rows 50 --to "$2.csv" >/dev/null
  "$1" record "$2.csv" --authority "$2" --programme specialised-sme --batch 2026-1 --date 2026-03-01 >/dev/null
}

state() { # binary: size and root
  "$1" status | sed -n 's/^\(events\|root\) *//p' | paste -sd ' '
}

# Everything that a start could change: names, modes, contents.
image() { (cd "$work/log" && find . -type f -printf '%m %p ' -exec sha256sum {} \; | sort -k 2); }

# The older binary on the directory as it is now: reads it, or refuses and changes nothing. The store of a version
# that finds the format only in the store writes its own snapshot anew before; that holds no event.
go_back() {
  local now=$1
  image >"$work/before"
  if start "$old"; then
    [ "$(state "$old")" = "$now" ]
    stop
    printf '  the older version reads it, with the same root\n'
    return
  fi
  grep -h 'format' "$work/said" "$work/lines" | tail -n 1 | cut -c 1-120 >"$work/why"
  [ -s "$work/why" ]
  image >"$work/after"
  if cmp -s "$work/before" "$work/after"; then
    printf '  the older version refuses it, and every byte is as before: %s\n' "$(cat "$work/why")"
  else
    diff <(grep -v '/log/snap[.]' "$work/before") <(grep -v '/log/snap[.]' "$work/after")
    printf '  the older version refuses it; the snapshot of its store is new: %s\n' "$(cat "$work/why")"
  fi
}

printf 'the older version records, and a backup is made: %s\n' "$("$old" --version)"
start "$old"
record "$old" 440000
"$old" backup backup >/dev/null
at_backup=$(state "$old")
stop

printf 'the newer version goes on with it: %s\n' "$("$new" --version)"
start "$new"
[ "$(state "$new")" = "$at_backup" ]
record "$new" 330000
now=$(state "$new")
stop
go_back "$now"

printf 'the newer version records what needs its newest format\n'
"$new" dev-certs --dir certs >/dev/null 2>&1
# A second operator approves the withholding.
sed -i 's/roles = \["auditor"\]/roles = ["operator"]/' certs/principals.toml
start "$new" --tls-cert certs/server.pem --tls-key certs/server.key --tls-client-ca certs/ca.pem \
  --principals certs/principals.toml
as() {
  "$new" "${@:2}" --server "${TIDU_SERVER/127.0.0.1/localhost}" --tls-ca certs/ca.pem \
    --tls-cert "certs/$1.pem" --tls-key "certs/$1.key"
}
as operator withhold 3 --reason 'the drill' --propose withholding.json >/dev/null
as auditor withhold 3 --reason 'the drill' --approve withholding.json >/dev/null
stop
# A server with principals records the last lines of its trail as it ends.
start "$new"
now=$(state "$new")
printf '  format %s\n' "$("$new" status | sed -n 's/^format *//p')"
stop
go_back "$now"

printf 'the backup from before gives the older version back\n'
mv log log.newer
"$old" import backup --data-dir log >/dev/null
start "$old"
[ "$(state "$old")" = "$at_backup" ]
record "$old" 310000
stop
# And the newer one can take that over again.
start "$new"
stop
printf 'all steps of the drill were passed\n'
