#!/bin/sh
# fuzz/run.sh DIR SECONDS -- runs every libFuzzer target of DIR from its corpus; new inputs stay out of the source tree.
set -eu
dir=$1 seconds=$2
root=$(cd "$(dirname "$0")/.." && pwd)
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
for target in "$dir"/fuzz_*; do
  [ -x "$target" ] || continue
  name=$(basename "$target")
  mkdir -p "$found/$name" "$root/fuzz/corpus/$name"
  if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$dir/$name-" \
      "$found/$name" "$root/fuzz/corpus/$name" >"$dir/$name.log" 2>&1; then
    echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$name.log") inputs, nothing found"
  else
    tail -n 40 "$dir/$name.log"
    echo "fuzz: $name: found something; the input lies in $dir/$name-*" >&2
    exit 1
  fi
done
