#!/bin/sh
# Runs every benchmark and prints JSON lines, then a table. usage: bench/bench.sh [small]
# "small" takes tiny inputs: the suite runs it so that no benchmark rots. Figures: docs/performance.md.
set -eu
cd "$(dirname "$0")/.."
bin=${PMM_BUILD:-build}/bench
out=${PMM_BUILD:-build}/bench/results.jsonl
: >"$out"
run() { "$@" | tee -a "$out"; }
if [ "${1:-}" = small ]; then
  ladder=20000 match=2000 sim=70000 events=20000 many=20000 trips=200
else
  ladder=20000000 match=1000000 sim=20000000 events=5000000 many=5000000 trips=100000
fi
run "$bin/bench_ladder" "$ladder"
run "$bin/bench_match" "$match"
run "$bin/bench_sim" "$sim"
run "$bin/bench_tape" ${1:+"$1"}
run "$bin/bench_polymarket" ${1:+"$1"}
run "$bin/bench_feed" "$match"
run "$bin/bench_net" "$trips"
run "$bin/bench_degen" "$match"
run "$bin/bench_backtest" --strategy replay --events "$events"
for s in linear adaptive logit digital; do run "$bin/bench_backtest" --strategy $s --events "$events"; done
run "$bin/bench_backtest" --strategy linear --requote 0 --events "$events" # a decision on every message
for m in 1 100 1000; do run "$bin/bench_backtest" --strategy linear --markets $m --events "$many"; done
echo
awk -F'[,{}]' '
  function get(k,   i, p) { for (i = 1; i <= NF; i++) { p = index($i, "\"" k "\":"); if (p == 1) { v = substr($i, length(k) + 4); gsub(/"/, "", v); return v } } return "" }
  BEGIN { printf "%-12s %-32s %16s %10s %12s\n", "benchmark", "case", "per second", "ns each", "peak MiB" }
  {
    rate = get("updates_per_s"); if (rate == "") rate = get("events_per_s"); if (rate == "") rate = get("records_per_s"); if (rate == "") rate = get("orders_per_s"); if (rate == "") rate = get("requests_per_s")
    name = get("strategy"); if (name == "") name = get("ticks") != "" ? get("ticks") " ticks" : get("case")
    if (get("markets") != "") name = name ", " get("markets") (get("markets") == 1 ? " market" : " markets")
    if (get("requote_ms") != "") name = name ", requote " get("requote_ms") " ms"
    if (rate == "" && get("ns_per_record") > 0) rate = 1e9 / get("ns_per_record")
    peak = get("peak_kib")
    printf "%-12s %-32s %16d %10.2f %12s\n", get("bench"), name, rate, (rate > 0 ? 1e9 / rate : 0), (peak == "" ? "" : sprintf("%.1f", (peak - get("stream_kib")) / 1024))
  }' "$out"
