#!/bin/sh
# Runs a command quietly: says what it does in one line, and shows its output only if it fails.
#   tools/step.sh "Installing the server" command [argument...]
label=$1
shift
log=$(mktemp "${TMPDIR:-/tmp}/pillion-step.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
printf '· %s\n' "$label"
"$@" >"$log" 2>&1 </dev/null && exit 0
status=$?
cat "$log"
printf '✗ %s: failed (exit status %s, its output is above)\n' "$label" "$status"
exit "$status"
