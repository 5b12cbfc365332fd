#!/bin/sh
# Flame graphs of the standing workloads (bench/README.md): docs/images/flame-*.svg. usage: bench/flame.sh [OUT_FOLDER]
# Needs linux perf, and inferno, which it installs into bench/peers/tools with cargo. Only stacks inside the run count, so reading
# the rows does not show. PMM_BUILD (build) and BENCH_DATA (build/bench-data) as in bench/compare.sh.
set -eu
cd "$(dirname "$0")/.."
bin=${PMM_BUILD:-build}/bench
data=${BENCH_DATA:-build/bench-data}
out=${1:-docs/images}
tools=bench/peers/tools
inferno=0.12.8
need() { # PROGRAM HINT
  command -v "$1" >/dev/null 2>&1 || { echo "flame: $1 is missing: $2" >&2; exit 2; }
}
need perf "apt-get install linux-perf"
if [ ! -x $tools/bin/inferno-flamegraph ]; then
  need cargo "it installs inferno, which draws the graphs (https://rustup.rs)"
  cargo install --quiet --locked --version $inferno --root $tools inferno
fi
BENCH_DATA=$data sh bench/data.sh
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"

flame() { # NAME TITLE INSIDE REPEAT COMMAND...
  name=$1 title=$2 inside=$3 repeat=$4
  shift 4
  [ -x "$1" ] || { echo "flame: $1 is not there, left out" >&2; return 0; }
  : >"$tmp/folded"
  while [ "$repeat" -gt 0 ]; do
    # A virtual machine often has no cycle counter; the clock is enough. dwarf: release builds keep no frame pointers.
    perf record --quiet -e cpu-clock:u -F 1999 --call-graph dwarf,8192 -o "$tmp/perf" "$@" >"$tmp/line" 2>"$tmp/err" || { cat "$tmp/err" >&2; echo "flame: failed: $*" >&2; exit 1; }
    perf script --no-inline -i "$tmp/perf" 2>/dev/null | $tools/bin/inferno-collapse-perf 2>/dev/null | grep -F "$inside" >>"$tmp/folded" || true
    repeat=$((repeat - 1))
  done
  [ -s "$tmp/folded" ] || { echo "flame: $name: no sample inside $inside" >&2; exit 1; }
  # What led to the run is the same in every stack: cut it.
  sed "s/^.*\\($inside\\)/\\1/" "$tmp/folded" | sort | $tools/bin/inferno-flamegraph --hash --countname ns --title "$title" >"$tmp/svg" 2>/dev/null
  mv "$tmp/svg" "$out/flame-$name.svg"
  echo "$out/flame-$name.svg: $(awk '{ n += $NF } END { printf "%.0f", n / 1e6 }' "$tmp/folded") ms sampled"
}

flame w1 "W1: one market, quoting" pmm_backtest_run 10 "$bin/bench_w1" "$data/w1.csv"
flame w1-replay "W1, replay only" pmm_backtest_run 30 "$bin/bench_w1" "$data/w1.csv" --replay
flame w2 "W2: 64 parameter sets in one pass" pmm_backtest_ 1 "$bin/bench_w2" "$data/w1.csv" bench/w2.json
flame w4 "W4: 86 markets" pmm_backtest_run 2 "$bin/bench_w4" "$data/w4"
flame w1-hftbacktest "W1 in hftbacktest 0.9.4 (Rust)" hftbt::quote 5 bench/peers/target/release/hftbt w1 "$data/w1.csv"
