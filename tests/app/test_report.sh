#!/bin/sh
# `pmm backtest --report` and `pmm report compare` from the outside.
. "$(dirname "$0")/lib.sh"
cd "$tmp" || exit 1
data=$PMM_SRC/examples/data
run 0 tape import --format polymarket-books -o a.tape "$data/btc-updown-5m-1776324000.jsonl.gz"
run 0 tape import --format polymarket-books -o b.tape "$data/btc-updown-5m-1776324300.jsonl.gz"

hash_of() { jq -r .state_hash "$1"; }

# Watching changes nothing, the page is one file of a bearable size that asks nothing of a network.
run 0 backtest -c "$PMM_SRC/examples/linear.yaml" --tape a.tape --json plain.json --quiet
run 0 backtest -c "$PMM_SRC/examples/linear.yaml" --tape a.tape --json watched.json --report linear.html --quiet
[ "$(hash_of plain.json)" = "$(hash_of watched.json)" ] || fail "the report changed the run"
[ "$(wc -c <linear.html)" -lt 5000000 ] || fail "the page has $(wc -c <linear.html) bytes"
grep -q 'Content-Security-Policy' linear.html || fail "the page does not forbid the network"
[ "$(grep -c '<script' linear.html)" -ge 1 ] || fail "no script in the page"
run 0 backtest --scenario walk --set scenario.duration=10m --report walk.html
says out "P&L"

# A configuration calibrated on the tape it is judged on is called out; on another tape it is not.
run 0 calibrate --no-queue a.tape -o fitted.yaml
run 0 backtest -c fitted.yaml --tape a.tape --report same.html --quiet
run 0 backtest -c fitted.yaml --tape b.tape --report apart.html --quiet
run 0 report compare same.html apart.html --json
jq -e '[.runs[].honesty.warnings | any(.text | contains("was calibrated on 1 of these 1 tapes"))] == [true, false]' out >/dev/null || fail "fitted on the same tape: $(jq -c '[.runs[].honesty.warnings]' out)"

# Nothing half-written: a run that fails leaves no page, a path that cannot be written costs no run.
run 1 backtest --tape missing.tape --report gone.html
[ ! -e gone.html ] && [ ! -e gone.html.tmp ] || fail "a failed run left a page"
run 1 backtest --tape a.tape --report /nonexistent/x.html
says err "/nonexistent/x.html"

# Side by side.
run 0 backtest -c "$PMM_SRC/examples/linear.yaml" --set params.spread_bps=500 --tape a.tape --report wide.html --quiet
run 0 report compare linear.html wide.html
says out "difference"
says out "params.spread_bps"
! grep -q "apples" out || fail "the same tape, and yet apples and oranges"
run 0 report compare linear.html linear.html
says out "exactly the same"
run 0 backtest -c "$PMM_SRC/examples/linear.yaml" --tape b.tape --report other.html --json other.json --quiet
run 0 report compare linear.html other.html
says out "apples and oranges"
run 0 report compare plain.json other.json
says out "not the same data"
run 0 report compare linear.html wide.html other.html --json -o compare.html
jq -e '.figures[0].key == "pnl.total" and (.figures[0].values | length == 3) and (.settings | has("strategies.0.params.spread_bps"))' out >/dev/null || fail "the comparison's JSON"
want=$(jq '.pnl.total' plain.json)
jq -e --argjson want "$want" '.figures[0].values[0] == $want' out >/dev/null || fail "the page's P&L is not the result's"
grep -q 'data-kind="compare"' compare.html || fail "no page of the comparison"

# Errors name file and reason.
run 2 report
run 2 report sideways
says err "known: compare"
run 2 report compare linear.html
says err "at least two"
run 1 report compare linear.html missing.html
says err "missing.html: No such file"
run 1 report compare linear.html "$PMM_SRC/examples/linear.yaml"
says err "neither a report nor a JSON result"
head -c 60000 wide.html | sed 's/data-size="[0-9]*"/data-size="12"/' >cut.html
run 1 report compare linear.html cut.html
says err "cut.html"
run 0 report --help
says out "usage: pmm report compare"
finish
