#!/bin/sh
# The program around its commands: help, version, exit statuses, and output that cannot be written.
. "$(dirname "$0")/lib.sh"

run 0 --version
version=$(sed -n 's/^project(pmm VERSION \([0-9.]*\).*/\1/p' "$PMM_SRC/CMakeLists.txt")
[ "$(cat "$tmp/out")" = "pmm $version" ] || fail "--version says '$(cat "$tmp/out")', CMakeLists.txt $version"

run 0 --help
for command in demo backtest sweep tape quote price config; do
  says out "  $command "
done
cp "$tmp/out" "$tmp/help"
run 0 help
cmp -s "$tmp/out" "$tmp/help" || fail "pmm help differs from pmm --help"

for command in demo backtest sweep tape quote price config; do
  run 0 "$command" --help
  says out "usage: pmm $command"
  [ -s "$tmp/err" ] && fail "pmm $command --help writes to stderr"
  run 2 "$command" --no-such-option
done

run 2
says err "pmm: no command given"
run 2 bakctest
says err "pmm: no command 'bakctest'; did you mean 'backtest'?"
says err "try 'pmm --help'"
run 2 --no-such-option
[ -s "$tmp/out" ] && fail "an error writes to stdout"

# A disk without room is a failure that is told, not silence.
if [ -c /dev/full ]; then
  "$PMM_BIN" --help >/dev/full 2>"$tmp/err"
  [ $? -eq 1 ] || fail "--help to a full disk does not exit 1"
  says err "pmm: standard output: No space left on device"
  "$PMM_BIN" config reference >/dev/full 2>"$tmp/err"
  [ $? -eq 1 ] || fail "config reference to a full disk does not exit 1"
  says err "pmm: standard output: No space left on device"
  run 1 config reference -o /dev/full
  says err "pmm: /dev/full: No space left on device"
fi
finish
