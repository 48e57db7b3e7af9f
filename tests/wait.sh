# For scripts that start something in the background, and go on when it says that it is ready.

wait_for() { # file, text
  for _ in $(seq 300); do
    grep -q "$2" "$1" 2>/dev/null && return
    sleep 0.1
  done
  printf 'no "%s" in:\n' "$2" >&2
  cat "$1" >&2
  return 1
}
