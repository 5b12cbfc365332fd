#!/bin/sh
# pmm demo as a user runs it: a synthetic market, the same from a seed, that ends when told to.
. "$(dirname "$0")/lib.sh"

# -- wrong usage: 2 --
run 2 demo --duration 0
says err "--duration: 0 (allowed: 0.1 to 86400 seconds)"
run 2 demo --duration soon
run 2 demo --duration
run 2 demo --simulated --speed 1e9
run 2 demo --speed 5
says err "--speed is for --simulated"
run 2 demo --simulated --speed 1e9
says err "--speed"
run 2 demo --seed x
says err "seed"
run 2 demo --strategy nonsense
says err "no 'nonsense'"
run 2 demo --set exec.rout=auto
says err "did you mean 'route'?"
run 2 demo extra
says err "unexpected argument extra"
run 0 demo --help
says out "usage: pmm demo"

# -- the same twice, but for the clock --
run 0 demo --simulated --duration 2 --seed 3 --json
cp "$tmp/out" "$tmp/one"
run 0 demo --simulated --duration 2 --seed 3 --json
grep -v '"wall_s"\|"events_per_s"' "$tmp/one" > "$tmp/1"
grep -v '"wall_s"\|"events_per_s"' "$tmp/out" > "$tmp/2"
cmp -s "$tmp/1" "$tmp/2" || fail "two runs of one seed differ"
run 0 demo --simulated --duration 2 --seed 4 --json
grep -v '"wall_s"\|"events_per_s"' "$tmp/out" > "$tmp/2"
cmp -s "$tmp/1" "$tmp/2" && fail "another seed, the same run"
for key in events orders fills pnl markout inventory fill_source outcome state_hash; do grep -q "\"$key\":" "$tmp/one" || fail "no key $key"; done
grep -q '"fill_source": "matching engine"' "$tmp/one" || fail "fill_source"
grep '"outcome": "\(yes\|no\)"' "$tmp/one" > /dev/null || fail "the market did not resolve"

# With one configuration the demo and the backtest of its market are one run.
run 0 demo --simulated -c "$PMM_SRC/examples/linear.yaml" --duration 2 --seed 3 --json
cp "$tmp/out" "$tmp/demo"
run 0 backtest -c "$PMM_SRC/examples/linear.yaml" --scenario walk --set scenario.duration=120s --seed 3 --quiet --json "$tmp/backtest"
[ "$(grep state_hash "$tmp/demo")" = "$(grep state_hash "$tmp/backtest")" ] || fail "demo and backtest --scenario differ"

# Without a terminal there are no control sequences, only the table.
run 0 demo --simulated --duration 1 --speed 30
says out "P&L"
grep -q "$(printf '\033')" "$tmp/out" && fail "control sequences without a terminal"
run 0 demo --simulated --duration 1 --strategy adaptive --seed 2 --json

# A full disk is no success.
if [ -c /dev/full ]; then
  "$PMM_BIN" demo --simulated --duration 1 --json > /dev/full 2>"$tmp/err"
  [ $? -eq 1 ] || fail "a full disk is not exit 1"
fi

# An interrupt ends it early, with the result so far.
"$PMM_BIN" demo --simulated --duration 86400 --json >"$tmp/out" 2>"$tmp/err" &
pid=$!
sleep 0.5
kill -INT "$pid"
wait "$pid"
got=$?
[ "$got" -eq 0 ] || fail "interrupted: exit $got"
grep -q '"state_hash":' "$tmp/out" || fail "an interrupt shows no result"
grep -q '"outcome": "unknown"' "$tmp/out" || fail "an interrupted market has an outcome"

# -- over sockets: three venues, two feeds, one engine; it ends with the ledger compared to the exchange's own books --
run 0 demo --duration 4 --seed 3 --json
for key in events orders fills pnl state_hash; do grep -q "\"$key\":" "$tmp/out" || fail "sockets: no key $key"; done
orders=$(sed -n 's/^ *"orders": *\([0-9]*\).*/\1/p' "$tmp/out" | head -1)
[ "${orders:-0}" -gt 3 ] || fail "sockets: only ${orders:-0} orders"
run 0 demo --duration 2 --strategy linear
says out "P&L"
grep -q "$(printf '\033')" "$tmp/out" && fail "sockets: control sequences without a terminal"
"$PMM_BIN" demo --duration 86400 --json >"$tmp/out" 2>"$tmp/err" &
pid=$!
sleep 2
kill -INT "$pid"
wait "$pid" || fail "sockets: interrupted: exit $?"
grep -q '"state_hash":' "$tmp/out" || fail "sockets: an interrupt shows no result"
ls "${TMPDIR:-/tmp}"/pmm-demo-* > /dev/null 2>&1 && fail "keys were left behind"

finish
