#!/bin/sh
# pmm backtest as a user runs it: what it writes, what it refuses, and that it says the same twice.
. "$(dirname "$0")/lib.sh"

tape=$tmp/a.tape
run 0 tape import --format polymarket-books -o "$tape" "$PMM_SRC/examples/data/btc-updown-5m-1776323700.jsonl.gz"
run 0 tape import --format polymarket-books -o "$tmp/b.tape" "$PMM_SRC/examples/data/btc-updown-5m-1776324000.jsonl.gz"

# value FILE KEY: the first value of a key, as it stands.
value() { sed -n "s/^ *\"$2\": *\\(.*[^,]\\),*\$/\\1/p" "$1" | head -n 1; }

# -- wrong usage: 2 --
run 2 backtest
says err "no tape (or --scenario)"
run 2 backtest --nonsense "$tape"
run 2 backtest --tape
run 2 backtest --scenario walk "$tape"
says err "--scenario takes no tape"
run 2 backtest --scenario moon
says err "allowed: walk, digital"
run 2 backtest -c "$tmp/nowhere.yaml" "$tape"
says err "nowhere.yaml"
run 2 backtest --set params.spread_bsp=80 "$tape"
says err "did you mean 'spread_bps'?"
run 2 backtest --set risk.max_heat=7 "$tape"
run 2 backtest --seed x "$tape"
says err "seed"
run 2 backtest --seed 99999999999999999999999999999999999999999999999 "$tape"
run 0 backtest --help
says out "usage: pmm backtest"

# -- work that fails: 1, and the file's name --
run 1 backtest "$tmp/nowhere.tape"
says err "nowhere.tape"
run 1 backtest "$tape" "$tmp/nowhere.tape"
says err "nowhere.tape"
run 1 backtest "$PMM_SRC/examples/linear.yaml"
says err "linear.yaml"
: > "$tmp/empty.tape"
run 1 backtest "$tmp/empty.tape"
says err "empty.tape"
run 1 backtest "$tmp"
run 1 backtest --set 'market.only=nothing*' "$tape"
says err "no strategy matches"
run 1 backtest --set latency.model=recorded --set "latency.samples=$tmp/nowhere.txt" "$tape"
says err "nowhere.txt"

# A flipped bit in the middle is found, and nothing is written.
size=$(wc -c < "$tape")
half=$((size / 2))
head -c "$half" "$tape" > "$tmp/bad.tape"
byte=$(tail -c +$((half + 1)) "$tape" | head -c 1 | od -An -tu1 | tr -d ' ')
printf "\\$(printf '%03o' $((byte ^ 16)))" >> "$tmp/bad.tape"
tail -c +$((half + 2)) "$tape" >> "$tmp/bad.tape"
run 1 backtest "$tmp/bad.tape" --json "$tmp/bad.json" --fills "$tmp/bad.csv"
says err "bad.tape"
[ -e "$tmp/bad.json" ] || [ -e "$tmp/bad.csv" ] && fail "a failed run left a result behind"

# A tape cut short is replayed up to its last whole block, and says so.
head -c $((size - 20)) "$tape" > "$tmp/cut.tape"
run 0 backtest "$tmp/cut.tape" --json "$tmp/cut.json"
says out "note: a tape ends inside a block"
grep -q '"truncated": true' "$tmp/cut.json" || fail "truncated is not true"

# A full disk is no success.
if [ -c /dev/full ]; then
  run 1 backtest "$tape" --json /dev/full
  says err "/dev/full"
  run 1 backtest "$tape" --fills /dev/full
  "$PMM_BIN" backtest "$tape" > /dev/full 2>"$tmp/err"
  [ $? -eq 1 ] || fail "a table onto a full disk is not exit 1"
  "$PMM_BIN" backtest "$tape" --json - > /dev/full 2>"$tmp/err"
  [ $? -eq 1 ] || fail "JSON onto a full disk is not exit 1"
fi
run 1 backtest "$tape" --json "$tmp/no/such/folder.json"
says err "folder.json"

# -- results --
run 0 backtest "$tape" --json "$tmp/one.json" --fills "$tmp/one.csv"
for line in "events" "orders" "fills" "P&L" "state hash" "max drawdown" "markout 10 s"; do says out "$line"; done
for key in events messages wall_s events_per_s orders cancels amends fills maker_fills rejects refused decisions volume fees rebates rewards pnl total realized \
           unrealized spread inventory pnl_e6 max_drawdown sharpe markout 1s 10s 60s fill_rate uptime mean_spread mean max bought sold final_net final_position \
           outcome fill_source trade_fills inferred_fills cross_fills taker_fills crossed_messages locked_messages gaps bad_events truncated killed markets \
           market strategy fees_e6 state_hash; do
  grep -q "\"$key\":" "$tmp/one.json" || fail "no key $key"
done
grep -qi '\bnan\b\|\binf\b' "$tmp/one.json" && fail "NaN or inf in JSON"
[ -e "$tmp/one.json.tmp" ] || [ -e "$tmp/one.csv.tmp" ] && fail "a temporary file was left behind"

# Two runs, one hash; another parameter, another one. Nothing but the clock may differ.
run 0 backtest "$tape" --quiet --json "$tmp/two.json"
[ -s "$tmp/out" ] && fail "--quiet printed something"
grep -v '"wall_s"\|"events_per_s"' "$tmp/one.json" > "$tmp/1"
grep -v '"wall_s"\|"events_per_s"' "$tmp/two.json" > "$tmp/2"
cmp -s "$tmp/1" "$tmp/2" || fail "two runs differ in more than their time"
run 0 backtest "$tape" --json - --set params.spread_bps=500
[ "$(value "$tmp/out" state_hash)" = "$(value "$tmp/one.json" state_hash)" ] && fail "another spread, the same hash"
run 0 backtest --tape "$tape" --json -
[ "$(value "$tmp/out" state_hash)" = "$(value "$tmp/one.json" state_hash)" ] || fail "--tape and a plain argument differ"

# Several tapes, one account: a row for each market.
run 0 backtest "$tape" "$tmp/b.tape" --json "$tmp/both.json"
says out "btc-updown-5m-1776324000"
[ "$(grep -c '"market":' "$tmp/both.json")" -eq 2 ] || fail "not two markets"

# Fills as CSV: a header, as many lines as fills, prices inside (0,1), positive sizes.
fills=$(value "$tmp/one.json" fills)
[ "$fills" -gt 0 ] || fail "no fills to look at"
head -n 1 "$tmp/one.csv" | grep -q '^exch_ns,recv_ns,market,slot,side,price,qty,fee,liquidity,source,order_id,trade_id$' || fail "the header of the fills"
[ "$(tail -n +2 "$tmp/one.csv" | wc -l)" -eq "$fills" ] || fail "not as many lines as fills"
tail -n +2 "$tmp/one.csv" | awk -F, 'NF != 12 || $6 <= 0 || $6 >= 1 || $7 <= 0 || $2 < $1 || ($5 != "bid" && $5 != "ask") || ($9 != "maker" && $9 != "taker") { exit 1 }' ||
  fail "a line of the fills makes no sense"
bought=$(tail -n +2 "$tmp/one.csv" | awk -F, '$5 == "bid" { s += $7 } END { printf "%.2f", s }')
[ "\"$bought\"" = "$(value "$tmp/one.json" bought)" ] || fail "the bids of the CSV sum to $bought, not $(value "$tmp/one.json" bought)"

# The conformance rules through the program.
run 0 backtest -c "$PMM_SRC/examples/conformance.yaml" "$tape" --json "$tmp/conf.json"
[ "$(value "$tmp/conf.json" pnl_e6) $(value "$tmp/conf.json" orders) $(value "$tmp/conf.json" fills)" = "-4431500 1194 56" ] || fail "conformance: $(value "$tmp/conf.json" pnl_e6)"

# A synthetic market.
run 0 backtest --scenario walk --set scenario.duration=5m --seed 4 --quiet --json "$tmp/w1.json"
run 0 backtest --scenario walk --set scenario.duration=5m --seed 4 --quiet --json "$tmp/w2.json"
[ "$(value "$tmp/w1.json" state_hash)" = "$(value "$tmp/w2.json" state_hash)" ] || fail "a scenario is not the same twice"
run 0 backtest --scenario digital --set scenario.duration=5m --seed 5 --fills "$tmp/d.csv"
says out "DIGITAL"

finish
