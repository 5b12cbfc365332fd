# The peers still run beside ours on tiny input, agree where they must, and the table is made. The figures are not looked at.
set -eu
peers="$PMM_SRC/bench/peers"
[ -x "$peers/target/release/hftbt" ] && [ -x "$peers/.venv/bin/python" ] || { echo "skipped: the peers are not installed (make bench-peers)"; exit 77; }
command -v jq >/dev/null || { echo "skipped: no jq"; exit 77; }
[ -x "$PMM_BUILD/bench/bench_w1" ] || { echo "skipped: the benchmarks are not built"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export BENCH_DATA="$tmp/data" BENCH_OUT="$tmp/out" BENCH_DOC="$tmp/page.md"
printf 'before\n<!-- compare -->\nold\n<!-- /compare -->\nafter\n' >"$BENCH_DOC"
sh "$PMM_SRC/bench/compare.sh" small w1-replay w1 w2 >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }

counts() { # PROGRAM WORKLOAD
  jq -r --arg p "$1" --arg w "$2" '.rows[] | select(.program == $p and .workload == $w) | "\(.decisions) \(.submits) \(.fills) \(.position)"' "$BENCH_OUT/compare.json"
}
for workload in w1 w2; do
  [ -n "$(counts rust $workload)" ] && [ "$(counts rust $workload)" = "$(counts python $workload)" ] || {
    echo "$workload: the crate counts $(counts rust $workload), the package $(counts python $workload)"; exit 1; }
done
[ "$(counts rust w1)" = "1998 396 331 420" ] || { echo "w1: hftbacktest counts $(counts rust w1)"; exit 1; }
grep -q '^| w1-replay | pmm |' "$BENCH_DOC" && grep -q '^before$' "$BENCH_DOC" && grep -q '^after$' "$BENCH_DOC" || { echo "the page has no table"; cat "$BENCH_DOC"; exit 1; }
! grep -q '^old$' "$BENCH_DOC" || { echo "the old table stays in the page"; exit 1; }
if sh "$PMM_SRC/bench/compare.sh" w9 2>"$tmp/err"; then echo "workload w9 should be refused"; exit 1; fi
grep -q 'no workload w9' "$tmp/err"
