#!/bin/sh
# Runs the standing workloads (bench/README.md) with our programs and the peers' in turn, and prints medians and ratios.
# usage: bench/compare.sh [small] [WORKLOAD...]     workloads: w1-replay w1 w2 w4-replay w4 (default: all)
#   ROUNDS (5), ROUNDS_LONG (3, of w2 and w4): how often each program runs; CPU: run all on this core (taskset)
#   PMM_BUILD (build), BENCH_DATA (build/bench-data), BENCH_OUT (build/bench): folders
#   BENCH_DOC: a page whose lines between <!-- compare --> and <!-- /compare --> become the table
# Writes compare.jsonl (every run), compare.json (medians) and compare.md (the table) into BENCH_OUT. What is not built is left out,
# saying so. "small": tiny inputs, one round: does everything still run?
set -eu
cd "$(dirname "$0")/.."
bin=${PMM_BUILD:-build}/bench
data=${BENCH_DATA:-build/bench-data}
out=${BENCH_OUT:-${PMM_BUILD:-build}/bench}
rounds=${ROUNDS:-5} rounds_long=${ROUNDS_LONG:-3}
peers=bench/peers
command -v jq >/dev/null || { echo "compare: jq is missing (apt-get install jq)" >&2; exit 2; }
small=
if [ "${1:-}" = small ]; then
  small=yes
  shift
fi
[ $# -gt 0 ] || set -- w1-replay w1 w2 w4-replay w4
for workload; do
  case $workload in w1-replay | w1 | w2 | w4-replay | w4) ;; *) echo "compare: no workload $workload" >&2; exit 2 ;; esac
done
if [ "$small" ]; then
  data=${BENCH_DATA:-build/bench-data-small}
  rounds=1 rounds_long=1
  BENCH_DATA=$data sh bench/data.sh 20000 7 3 2000
else
  BENCH_DATA=$data sh bench/data.sh
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/runs"

# The command of one program on one workload, or nothing where it does not take part.
command_of() { # PROGRAM WORKLOAD
  case $1,$2 in
    pmm,w1) echo "$bin/bench_w1 $data/w1.csv" ;;
    pmm,w1-replay) echo "$bin/bench_w1 $data/w1.csv --replay" ;;
    pmm,w2) echo "$bin/bench_w2 $data/w1.csv bench/w2.json" ;;
    pmm,w4) echo "$bin/bench_w4 $data/w4" ;;
    pmm,w4-replay) echo "$bin/bench_w4 $data/w4 --replay" ;;
    rust,w2) echo "$peers/target/release/hftbt w2 $data/w1.csv bench/w2.json" ;;
    rust,w1*) echo "$peers/target/release/hftbt $2 $data/w1.csv" ;;
    rust,w4*) echo "$peers/target/release/hftbt $2 $data/w4" ;;
    rust-each,w4) echo "$peers/target/release/hftbt w4-each $data/w4" ;;
    python,w2) echo "$peers/.venv/bin/python $peers/run_hftbacktest.py w2 $data/w1.csv bench/w2.json" ;;
    python,w1*) echo "$peers/.venv/bin/python $peers/run_hftbacktest.py $2 $data/w1.csv" ;;
    nautilus,w4*) echo "$peers/.venv/bin/python $peers/run_nautilus.py $2 $data/w4" ;;
  esac
}

once() { # PROGRAM WORKLOAD ROUND
  command=$(command_of "$1" "$2")
  [ -n "$command" ] || return 0
  if [ ! -x "${command%% *}" ]; then
    [ "$3" -gt 1 ] || echo "compare: $2: ${command%% *} is not there, left out" >&2
    return 0
  fi
  # shellcheck disable=SC2086 # a command line: its words hold no spaces
  ${CPU:+taskset -c $CPU} $command >"$tmp/line" || { echo "compare: failed: $command" >&2; exit 1; }
  jq -c --arg group "$2" --arg program "$1" '. + {group: $group, program: $program}' "$tmp/line" | tee -a "$tmp/runs"
}

for workload; do
  case $workload in w1*) n=$rounds ;; *) n=$rounds_long ;; esac
  round=1
  while [ "$round" -le "$n" ]; do
    for program in pmm rust rust-each python nautilus; do once $program "$workload" "$round"; done
    round=$((round + 1))
  done
done
[ -s "$tmp/runs" ] || { echo "compare: nothing to run: make, and make bench-peers" >&2; exit 1; }

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
jq -s --arg cpu "$cpu" --arg cores "$(nproc)" --arg date "$(date -u +%F)" --arg commit "$(git rev-parse --short HEAD 2>/dev/null || echo none)" '
  def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
  def counts: {decisions, submits, fills, position};
  [group_by([.group, .program])[] | {
    workload: .[0].group, program: .[0].program, peer: .[0].peer, version: .[0].version, runs: length, events: .[0].events,
    events_per_s: (map(.events_per_s) | median), slowest: (map(.events_per_s) | min), fastest: (map(.events_per_s) | max),
    wall_s: (map(.wall_s) | median), peak_mib: (map(.peak_mib) | median), same_counts_each_run: (map(counts) | unique | length == 1)
  } + (.[0] | counts)] as $rows
  | {date: $date, commit: $commit, cpu: $cpu, cores: ($cores | tonumber), rows: [$rows[] | . as $r
      | ([$rows[] | select(.workload == $r.workload and .program == "pmm")] | first // null) as $ours
      | . + {ours_is_times_faster: (if $ours == null or .program == "pmm" then null else $ours.events_per_s / .events_per_s end)}]}
' "$tmp/runs" >"$tmp/json"

jq -r '
  def m: . / 1e6 | if . >= 10 then . * 10 | round / 10 elif . >= 1 then . * 100 | round / 100 else . * 1000 | round / 1000 end | tostring;
  def name: {pmm: "pmm", rust: "hftbacktest, Rust crate", "rust-each": "hftbacktest, Rust crate, each market by itself", python: "hftbacktest, Python package", nautilus: "nautilus_trader"}[.program]
    + (if .version then " " + .version else "" end);
  {"w1-replay": 0, w1: 1, w2: 2, "w4-replay": 3, w4: 4} as $order | {pmm: 0, rust: 1, "rust-each": 2, python: 3, nautilus: 4} as $place
  | "| workload | program | M events/s, median | range | pmm is faster by | peak MiB | decisions | submits | fills | position |",
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    (.rows | sort_by([$order[.workload], $place[.program]])[]
      | "| \(.workload) | \(name) | \(.events_per_s | m) | \(.slowest | m) to \(.fastest | m) | \(if .ours_is_times_faster then (.ours_is_times_faster * 10 | round / 10 | tostring) + "x" else "" end) | \(.peak_mib | round) | "
        + (if .decisions == 0 then "| | | |" else "\(.decisions) | \(.submits) | \(.fills) | \(.position) |" end)
        + (if .same_counts_each_run then "" else " (counts differ between runs)" end)),
    "", "\(.cpu), \(.cores) cores; \(.date), commit \(.commit); median of \(.rows | map(.runs) | min) to \(.rows | map(.runs) | max) runs in turn."
' "$tmp/json" >"$tmp/md"

mkdir -p "$out"
mv "$tmp/runs" "$out/compare.jsonl"
mv "$tmp/json" "$out/compare.json"
mv "$tmp/md" "$out/compare.md"
if [ -n "${BENCH_DOC:-}" ]; then
  grep -q '^<!-- compare -->$' "$BENCH_DOC" && grep -q '^<!-- /compare -->$' "$BENCH_DOC" || { echo "compare: $BENCH_DOC: no lines <!-- compare --> and <!-- /compare -->" >&2; exit 1; }
  awk -v table="$out/compare.md" '/^<!-- \/compare -->$/ { skip = 0 } !skip { print }
    /^<!-- compare -->$/ { skip = 1; while ((getline line < table) > 0) print line }' "$BENCH_DOC" >"$tmp/doc"
  cat "$tmp/doc" >"$BENCH_DOC"
fi
echo
cat "$out/compare.md"
