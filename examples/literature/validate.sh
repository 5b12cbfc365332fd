#!/bin/sh
# Runs every command that docs/validation.md shows and compares what it prints with what the page says; every program fails by itself when a
# figure lies beyond two standard errors of theory. `make validate`. With --write the page's outputs are written anew.
# PMM_BUILD: where the programs are (default build). Exit status 0: all agree.
set -u
cd "$(dirname "$0")/../.." || exit 1
page=docs/validation.md
build=${PMM_BUILD:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
skipping=0
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
  '```') skipping=0 ;;
  esac
  [ "$skipping" -eq 1 ] || printf '%s\n' "$line" >> "$tmp/page"
  case $line in
  '$ build/examples/'*)
    skipping=1
    command=${line#'$ build/'}
    printf '%s ... ' "$command"
    # shellcheck disable=SC2086 # the line's words are the arguments
    if "$build"/$command > "$tmp/out" 2> "$tmp/err" < /dev/null; then echo ok; else failed=1; echo FAILED; grep '^FAIL' "$tmp/out"; cat "$tmp/err"; fi
    cat "$tmp/out" >> "$tmp/page" ;;
  esac
done < "$page"
if [ "${1:-}" = --write ]; then
  [ "$failed" -eq 0 ] && cat "$tmp/page" > "$page"
elif ! diff "$page" "$tmp/page"; then
  echo "$page says something else (< the page, > the programs); 'sh examples/literature/validate.sh --write' writes it anew" >&2
  failed=1
fi
exit "$failed"
