#!/bin/sh
# pmm calibrate from the outside: the report, the fragment and what a backtest makes of it, live orders, and what is refused.
. "$(dirname "$0")/lib.sh"
cd "$PMM_SRC" || exit 1

run 0 tape import --format kalshi-ws -o "$tmp/k.tape" tests/fixtures/kalshi/*.ndjson
run 0 tape import --format polymarket-multifeed -o "$tmp/m.tape" tests/fixtures/multifeed.json

run 0 calibrate "$tmp/k.tape" -o "$tmp/fragment.yaml"
for word in warm-up volatility 'fill intensity' toxicity latency 'queue model' 'not identified'; do says out "$word"; done
grep -q '^# tape: k.tape, [0-9]* bytes, crc32c [0-9a-f]\{8\}$' "$tmp/fragment.yaml" || fail "the fragment does not name its tape"
grep -q "$tmp" "$tmp/fragment.yaml" && fail "the fragment names a folder"
grep -q '^strategy: logit$' "$tmp/fragment.yaml" || fail "the fragment is not for logit"

# The fragment is a configuration, and a backtest takes it.
run 0 config check -c "$tmp/fragment.yaml"
run 0 backtest -c "$tmp/fragment.yaml" --tape "$tmp/k.tape" --quiet
for strategy in linear adaptive digital; do
  run 0 calibrate -c "examples/$strategy.yaml" --no-queue "$tmp/m.tape" -o "$tmp/$strategy.yaml"
  grep -q "^strategy: $strategy\$" "$tmp/$strategy.yaml" || fail "the fragment is not for $strategy"
  run 0 config check -c "$tmp/$strategy.yaml"
done

# Standard output holds the fragment alone; the same bytes twice.
run 0 calibrate "$tmp/k.tape" -o -
cmp -s "$tmp/out" "$tmp/fragment.yaml" || fail "the fragment on standard output is another one"

run 0 calibrate "$tmp/k.tape" --json --no-queue
cp "$tmp/out" "$tmp/first"
run 0 calibrate "$tmp/k.tape" --json --no-queue
cmp -s "$tmp/out" "$tmp/first" || fail "two calibrations differ"
says out '"identified": false'

# Refused, without half-written output.
run 2 calibrate
says err 'pmm: no tape'
run 2 calibrate --set params.nonsense=1 "$tmp/k.tape"
run 1 calibrate "$tmp/nowhere.tape" -o "$tmp/none.yaml"
[ -e "$tmp/none.yaml" ] || [ -e "$tmp/none.yaml.tmp" ] && fail "output of a calibration that failed"
printf 'market,side\n' > "$tmp/live.csv"
run 1 calibrate "$tmp/k.tape" --fills "$tmp/live.csv" -o "$tmp/none.yaml"
says err "live.csv:1: not a heading with market,side,price,qty,placed,filled,ended"
[ -e "$tmp/none.yaml" ] && fail "output of a calibration that failed"
run 1 calibrate "$tmp/k.tape" --no-queue -o "$tmp/no/such/folder.yaml"
run 0 calibrate --help
says out 'usage: pmm calibrate'
finish
