#!/usr/bin/env bash
# A tour of a server with grpcurl, which knows nothing of Tidu but what the server says of itself.
# Usage: tests/foreign/grpcurl.sh GRPCURL TIDU
set -euo pipefail
grpcurl=$(realpath "$1") tidu=$(realpath "$2")
work=$(mktemp -d)
cd "$work"
server=
trap 'stop; rm -rf "$work"' EXIT
checks=0

stop() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  server=
}

# Starts a server in place of the one before, and sets `address`.
start() { # data directory, further options
  stop
  coproc SERVER { exec "$tidu" serve --listen 127.0.0.1:0 --operations-listen off --data-dir "$@" 2>>log; }
  server=$SERVER_PID
  local line
  read -r line <&"${SERVER[0]}"
  address=$(sed -E 's|.*https?://([^ ]+) .*|\1|' <<<"$line")
}

# Runs grpcurl; its status must be the one given. Both of its outputs go to `said`.
ask() { # status, arguments of grpcurl
  local status=$1 found=0
  shift
  said=$("$grpcurl" -connect-timeout 10 "$@" 2>&1) || found=$?
  asked="grpcurl $*"
  if [ "$found" != "$status" ]; then
    printf '%s: status %s, not %s:\n%s\n' "$asked" "$found" "$status" "$said" >&2
    tail -n 20 log >&2
    exit 1
  fi
}

# The last output must hold each of these texts.
says() {
  local text
  for text in "$@"; do
    if [[ $said != *"$text"* ]]; then
      printf '%s: says no %q:\n%s\n' "$asked" "$text" "$said" >&2
      exit 1
    fi
    checks=$((checks + 1))
  done
}

# The last output must have this many lines that hold the text.
says_times() { # count, text
  local found
  found=$(grep -cF -- "$2" <<<"$said" || true)
  if [ "$found" != "$1" ]; then
    printf '%s: %s lines have %q, not %s:\n%s\n' "$asked" "$found" "$2" "$1" "$said" >&2
    exit 1
  fi
  checks=$((checks + 1))
}

# grpcurl gives 64 and the code of gRPC as its status.
invalid_argument=67 deadline_exceeded=68

describes_itself() {
  ask 0 -plaintext "$address" list
  says tidu.v1.{Access,Admin,Cursor,Ledger,Proof,Register}Service grpc.health.v1.Health
  says grpc.reflection.v1.ServerReflection grpc.reflection.v1alpha.ServerReflection
  says_times 9 .
  local services=$said service
  for service in $services; do
    ask 0 -plaintext "$address" describe "$service"
    says "$service is a service:" 'rpc '
    ask 0 -plaintext "$address" list "$service"
    says "$service."
  done
  ask 0 -plaintext "$address" describe tidu.v1.LedgerService.Subscribe
  says 'returns ( stream .tidu.v1.SubscribeResponse )' '// Follows the log from a place on'
  ask 0 -plaintext -msg-template "$address" describe tidu.v1.SubscribeRequest
  says 'optional bytes digest = 10;' '// The history that the caller knows.'
  says '"heartbeatInterval": "0s"'
  ask 0 -plaintext "$address" describe tidu.v1.EventOrder
  says 'tidu.v1.EventOrder is an enum:' '// Newest first.' 'EVENT_ORDER_DESCENDING = 2;'
  ask 1 -plaintext "$address" describe tidu.v1.NoSuchMessage
  says 'Symbol not found: tidu.v1.NoSuchMessage'
}

event='{"authority": "440000", "designee": "914403001922038216",
  "effectiveDate": {"year": 2024, "month": 3, "day": 1},
  "designated": {"programme": "specialised-sme", "batch": "2024-1", "profile": {"name": "示例精密机械有限公司"}}}'

answers_calls() {
  ask 0 -plaintext "$address" grpc.health.v1.Health/Check
  says '"status": "SERVING"'
  ask 0 -plaintext "$address" tidu.v1.AdminService/GetStatus
  says '"logId": ' '"rootHash": '
  said=$("$grpcurl" -plaintext -d @ "$address" tidu.v1.LedgerService/Append \
    <<<"{\"requestId\": \"tour-1\", \"events\": [$event]}")
  asked='grpcurl … Append'
  says '"firstPosition": "0"' '"nextPosition": "1"'
  ask 0 -plaintext -d '{"position": 0}' "$address" tidu.v1.LedgerService/GetEvent
  says '"name": "示例精密机械有限公司"' '"recordedBy": "anonymous"'
  ask 0 -plaintext -emit-defaults "$address" tidu.v1.CursorService/ListCursors
  says '"cursors": [' '"nextPageToken": ""'
  ask 0 -plaintext -v -d '{"position": 0}' "$address" tidu.v1.LedgerService/GetEvent
  says 'content-type: application/grpc' 'Sent 1 request and received 1 response'
}

speaks_text() {
  ask 0 -plaintext -format text -d 'position: 0 raw: true' "$address" tidu.v1.LedgerService/GetEvent
  says 'designee: "914403001922038216"' 'leaf: "' 'programme: "specialised-sme"'
  ask 0 -plaintext -format json -d '{"position": 0, "raw": true}' "$address" tidu.v1.LedgerService/GetEvent
  says '"leaf": "'
}

streams() {
  ask 0 -plaintext -d '{"stopPosition": "1"}' "$address" tidu.v1.LedgerService/Subscribe
  says '"position": "0"' '"nextPosition": "1"' '"caughtUp": true'
  ask 0 -plaintext "$address" tidu.v1.AdminService/Verify
  says '"rootHash": '
  # A stream without an end is ended by the deadline, and what came before is shown.
  ask "$deadline_exceeded" -plaintext -max-time 1 "$address" tidu.v1.LedgerService/Subscribe
  says '"position": "0"' 'Code: DeadlineExceeded'
}

shows_errors() {
  local call=tidu.v1.LedgerService/ListEvents
  local filter='{"filter": {"programmes": ["little-gaint"]}}'
  ask "$invalid_argument" -plaintext -d "$filter" "$address" $call
  says 'Code: InvalidArgument' 'filter.programmes[0]: is not a programme of the catalogue'
  says '"@type": "type.googleapis.com/google.rpc.ErrorInfo"' '"reason": "PROGRAMME_UNKNOWN"'
  says '"value": "little-gaint"' '"@type": "type.googleapis.com/google.rpc.BadRequest"'
  ask "$invalid_argument" -plaintext -format-error -d "$filter" "$address" $call
  says '"code": 3' '"reason": "PROGRAMME_UNKNOWN"'
  ask 75 -plaintext -d '{"position": 9}' "$address" tidu.v1.LedgerService/GetEvent
  says 'Code: OutOfRange' '"reason": "POSITION_BEYOND_LOG"' '"log_size": "1"'
}

sends_several_messages() {
  # Reflection is the only service with a stream of requests.
  local call=grpc.reflection.v1.ServerReflection/ServerReflectionInfo
  said=$("$grpcurl" -plaintext -d @ "$address" $call <<'JSON'
{"listServices": ""}
{"fileContainingSymbol": "tidu.v1.EventOrder"}
{"fileContainingSymbol": "no.such.Symbol"}
JSON
  )
  asked="grpcurl … $call"
  says_times 3 '"originalRequest"'
  says '"name": "tidu.v1.LedgerService"' '"fileDescriptorProto"' '"errorCode": 5'
  said=$(printf '%s\n\x1e%s\n' 'list_services: ""' 'file_by_filename: "tidu/v1/event.proto"' |
    "$grpcurl" -plaintext -format text -d @ "$address" $call)
  says_times 2 original_request
  # Any other call takes one message: grpcurl itself refuses more.
  said=$(printf '{"position": 0}{"position": 0}' |
    "$grpcurl" -plaintext -d @ "$address" tidu.v1.LedgerService/GetEvent 2>&1 || true)
  says 'request data contained more than 1 message'
}

speaks_tls() {
  "$tidu" dev-certs --dir certificates >/dev/null 2>>log
  start secured --config certificates/tidu.toml
  local port=${address##*:}
  local ca=(-cacert certificates/ca.pem)
  local auditor=("${ca[@]}" -cert certificates/auditor.pem -key certificates/auditor.key)
  address=localhost:$port
  ask 0 "${auditor[@]}" "$address" list
  says tidu.v1.LedgerService
  ask 0 "${auditor[@]}" "$address" describe tidu.v1.Progress
  says 'uint64 next_position = 1;'
  ask 0 "${auditor[@]}" "$address" tidu.v1.AccessService/WhoAmI
  says '"id": "auditor"' '"credential": "CREDENTIAL_KIND_CERTIFICATE"'
  ask "$deadline_exceeded" "${auditor[@]}" -max-time 1 "$address" tidu.v1.LedgerService/Subscribe
  says '"caughtUp": true'
  # A token. The arguments have its name only, because everybody on the machine sees them.
  TOKEN=$(cat certificates/guangdong.portal.token)
  export TOKEN
  ask 0 "${ca[@]}" -expand-headers -H 'authorization: Bearer ${TOKEN}' "$address" tidu.v1.AccessService/WhoAmI
  says '"id": "guangdong.portal"' '"credential": "CREDENTIAL_KIND_TOKEN"'
  # A stranger learns nothing, not even by reflection.
  ask 1 "${ca[@]}" "$address" list
  says 'code = Unauthenticated' 'show a client certificate or a token'
  ask 1 "$address" list
  says 'x509: certificate signed by unknown authority'
  ask 1 -plaintext "$address" list
  says 'Failed to dial'
  # The recorder may not speak for another authority, and hears of it with details.
  local recorder=certificates/guangdong.recorder
  local denied=71
  said=$("$grpcurl" "${ca[@]}" -cert $recorder.pem -key $recorder.key -d @ "$address" \
    tidu.v1.LedgerService/Append 2>&1 <<<"{\"events\": [${event/440000/330000}]}") || [ $? = $denied ]
  says 'Code: PermissionDenied' '"reason": "NOT_ENTITLED"' '"principal": "guangdong.recorder"'
}

start tidu-data
describes_itself
answers_calls
speaks_text
streams
shows_errors
sends_several_messages
speaks_tls
printf 'grpcurl: %d checks\n' "$checks"
