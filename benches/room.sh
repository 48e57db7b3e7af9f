#!/usr/bin/env bash
# Measures the disk, memory and start that a log needs, for each number of events named: benches/room.sh 100000 1000000
# Every event designates another enterprise. TIDU_BENCH_TIDU names another tidu, TMPDIR the disk to measure on.
set -euo pipefail
tidu=${TIDU_BENCH_TIDU:-$(dirname "$0")/../target/release/tidu}
tidu=$(realpath "$tidu")
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" || true; wait "$server" || true; fi; rm -rf "$work"' EXIT
cd "$work"

rows_of_a_commit=10000
rows_of_a_list=100000

# Starts a server on a data directory: sets `server`, `TIDU_SERVER` and `seconds`, the time until it serves.
start() {
  local began said
  began=$(date +%s.%N)
  coproc serving { exec "$tidu" serve --data-dir "$1" --listen 127.0.0.1:0 --operations-listen off 2>>"$work/lines"; }
  server=$!
  read -r said <&"${serving[0]}"
  seconds=$(echo "$(date +%s.%N) - $began" | bc)
  TIDU_SERVER=$(echo "$said" | grep -o 'http://[0-9.:]*')
  export TIDU_SERVER
}

stop() {
  kill "$server"
  wait "$server" || true
  server=
}

# A figure of the server's memory, in MB.
memory() { awk -v name="$1:" '$1 == name { printf "%d", $2 / 1024 }' "/proc/$server/status"; }
# Bytes that a path takes on its disk, and its length, in MB.
taken() { du -s --block-size=1 "$1" | awk '{ printf "%.1f", $1 / 1e6 }'; }
mb() { stat --format %s "$1" | awk '{ printf "%.1f", $1 / 1e6 }'; }

for events in "$@"; do
  rm -rf data compact backup list* plain restored
  "$tidu" generate --rows "$events" --to list.csv 2>>lines
  head -n 1 list.csv >header
  tail -n +2 list.csv | split --lines "$rows_of_a_list" - part.
  start data
  batch=0
  for part in part.*; do
    batch=$((batch + 1))
    cat header "$part" >list.csv
    "$tidu" record list.csv --authority 440000 --programme specialised-sme --batch "2026-$batch" \
      --date 2026-03-01 --commit-size "$rows_of_a_commit" >>lines 2>&1
  done
  rm -f part.* list.csv
  loaded=$(memory VmRSS)
  "$tidu" export --format plain plain 2>>lines
  "$tidu" backup backup 2>>lines
  stop
  start data
  echo "$events events: $(mb plain) MB of events, store $(taken data/log) MB, backup $(taken backup) MB"
  echo "  memory: $loaded MB after recording; $(memory VmRSS) MB after a start in $seconds s, peak $(memory VmHWM) MB"
  stop
  "$tidu" compact --data-dir data --to compact 2>>lines | sed -n 's/^the store/  compact: the store/p'
  start compact
  echo "  compact: a start takes $seconds s"
  stop
  "$tidu" restore backup --drill 2>>lines | sed -n 's/^the drill/  the drill/p'
done
