#!/usr/bin/env bash
# Tools that others wrote judge what the server shows: promtool the metrics, the rules and their
# cases; an OpenTelemetry Collector receives traces and log lines.
#
#   tests/sight/run.sh PROMTOOL COLLECTOR TIDU
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/wait.sh
promtool=$1 collector=$2 tidu=$3
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

get() { # URL, what to accept
  python3 - "$1" "$2" <<'PYTHON'
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Accept": sys.argv[2]})
with urllib.request.urlopen(request, timeout=10) as answer:
    sys.stderr.write(answer.headers["Content-Type"] + "\n")
    sys.stdout.write(answer.read().decode())
PYTHON
}

printf 'alerts\n'
"$promtool" check rules deploy/prometheus/rules.yml
"$promtool" test rules deploy/prometheus/rules_test.yml

printf 'a collector, and a server that sends to it\n'
"$collector" --config tests/collector/config.yaml >"$work/collected" 2>&1 &
pids+=($!)
wait_for "$work/collected" 'Everything is ready'
"$tidu" serve --listen 127.0.0.1:0 --operations-listen 127.0.0.1:0 --data-dir "$work/data" \
  --otlp-endpoint http://127.0.0.1:14317 --otlp-sample-ratio 1 >"$work/said" 2>"$work/lines" &
pids+=($!)
wait_for "$work/said" 'operations'
address=$(sed -n 's/^tidu is listening on \(http[^ ]*\).*/\1/p' "$work/said")
operations=$(sed -n 's/.*operations on \(http[^ ]*\).*/\1/p' "$work/said")
"$tidu" --version
"$tidu" generate --rows 100 --to "$work/list.csv"
"$tidu" record "$work/list.csv" --server "$address" --authority 440000 --programme specialised-sme \
  --batch 2026-1 --date 2026-03-01 >/dev/null
"$tidu" show --server "$address" local:440000/none >/dev/null 2>&1 || true

printf 'metrics\n'
for accept in text/plain application/openmetrics-text; do
  get "$operations/metrics" "$accept" >"$work/metrics"
  grep -q '^tidu_events_total 10' "$work/metrics"
done
get "$operations/metrics" text/plain | "$promtool" check metrics
[ "$(get "$operations/readyz" '*/*' | grep -c '"ready":true')" = 1 ]

printf 'traces and log lines\n'
kill "${pids[1]}"
wait "${pids[1]}"
wait_for "$work/collected" 'tidu.v1.LedgerService/Append'
wait_for "$work/collected" 'refused a call'
wait_for "$work/collected" 'service.name: Str(tidu)'
printf 'all of them agree\n'
