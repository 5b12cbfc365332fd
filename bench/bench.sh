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
  ladder=20000 match=2000 sim=70000 events=20000 many=1000 trips=200 wire=100
else
  ladder=20000000 match=1000000 sim=20000000 events=5000000 many=5000000 trips=100000 wire=20000
fi
run "$bin/bench_ladder" "$ladder"
run "$bin/bench_match" "$match"
run "$bin/bench_sim" "$sim"
run "$bin/bench_tape" ${1:+"$1"}
run "$bin/bench_backtest" --strategy replay --events "$events"
for s in linear adaptive logit digital; do run "$bin/bench_backtest" --strategy $s --events "$events"; done
run "$bin/bench_backtest" --strategy linear --requote 0 --events "$events" # a decision on every message
for m in 1 100 1000; do run "$bin/bench_backtest" --strategy linear --markets $m --events "$many"; done
run "$bin/bench_kalshi" "$match"
run "$bin/bench_polymarket" ${1:+"$1"}
run "$bin/bench_degen" "$match"
run "$bin/bench_feed" "$match"
run "$bin/bench_net" "$trips"
run "$bin/bench_wire" "$wire"
echo
awk -F'[,{}]' '
  function get(k,   i, p) { for (i = 1; i <= NF; i++) { p = index($i, "\"" k "\":"); if (p == 1) { v = substr($i, length(k) + 4); gsub(/"/, "", v); return v } } return "" }
  function first(a, b, c, d, e) { return a != "" ? a : b != "" ? b : c != "" ? c : d != "" ? d : e }
  BEGIN { printf "%-20s %-32s %16s %10s %12s\n", "benchmark", "case", "per second", "ns each", "peak MiB" }
  get("p50_us") != "" || get("p50_ns") != "" { # a distribution: a table of its own
    k = get("p50_us") != "" ? 1 : 1000
    u = k == 1 ? "_us" : "_ns"
    tail[++tails] = sprintf("%-20s %-32s %10.1f %10.1f %10.1f %10.1f", get("bench"), first(get("case"), get("venue")), get("p50" u) / k, get("p90" u) / k, get("p99" u) / k, get("p999" u) / k)
    next
  }
  {
    rate = first(get("updates_per_s"), get("events_per_s"), get("records_per_s"), get("orders_per_s"), get("requests_per_s"))
    name = first(get("strategy"), get("ticks") != "" ? get("ticks") " ticks" : "", get("case"), get("kind"))
    if (get("what") != "") name = get("what") " " name
    if (get("markets") != "") name = name ", " get("markets") (get("markets") == 1 ? " market" : " markets")
    if (get("requote_ms") != "") name = name ", requote " get("requote_ms") " ms"
    ns = first(get("ns_per_message"), get("ns_per_record"), get("us_per_signature") != "" ? 1000 * get("us_per_signature") : "")
    if (rate == "" && ns > 0) rate = 1e9 / ns
    peak = get("peak_kib")
    printf "%-20s %-32s %16d %10.2f %12s\n", get("bench"), name, rate, (rate > 0 ? 1e9 / rate : 0), (peak == "" ? "" : sprintf("%.1f", (peak - get("stream_kib")) / 1024))
  }
  END {
    printf "\n%-20s %-32s %10s %10s %10s %10s\n", "microseconds", "case", "p50", "p90", "p99", "p99.9"
    for (i = 1; i <= tails; i++) print tail[i]
  }' "$out"
