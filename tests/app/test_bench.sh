# Every benchmark runs on tiny input, prints a line of JSON with a hash, and the table is made. The figures are not looked at.
set -eu
[ -x "$PMM_BUILD/bench/bench_backtest" ] || { echo "skipped: the benchmarks are not built"; exit 77; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
env -u PMM_DATA sh "$PMM_SRC/bench/bench.sh" small >"$out"
for b in ladder_set backtest tape_read match sim kalshi_read polymarket_message degen feed net wire; do
  grep -q "\"bench\":\"$b" "$out" || { echo "no line of bench $b"; cat "$out"; exit 1; }
done
[ "$(grep -c '^{.*"hash":"' "$out")" -ge 12 ] || { echo "lines without a hash"; cat "$out"; exit 1; }
grep -q '^benchmark  *case' "$out" || { echo "no table"; exit 1; }
grep -q '^microseconds  *case' "$out" || { echo "no table of delays"; exit 1; }
