#!/bin/sh
# Opens pages of every kind in Chromium, offline. PMM_NO_BROWSER=1 skips; without it a missing Chromium is a failure.
[ -z "${PMM_NO_BROWSER:-}" ] || { echo "skipped: PMM_NO_BROWSER is set"; exit 77; }
. "$(dirname "$0")/../app/lib.sh"
[ -x "${PMM_CHROMIUM:-/usr/bin/chromium}" ] || { fail "no Chromium: install Debian's package chromium, or set PMM_NO_BROWSER=1"; finish; }

# The driver comes from npm at its locked version, once in a build folder.
web=$PMM_BUILD/tests/web
mkdir -p "$web"
cp "$PMM_SRC"/tests/web/*.json "$PMM_SRC"/tests/web/*.mjs "$web/"
[ -d "$web/node_modules/playwright-core" ] || npm ci --prefix "$web" --ignore-scripts --no-audit --no-fund --no-update-notifier --prefer-offline --loglevel=error >"$tmp/npm" 2>&1 || {
  fail "playwright-core cannot be fetched: $(tail -3 "$tmp/npm")"
  finish
}

page() { # KIND FILE CHARTS
  node "$web/report.mjs" "$@" >"$tmp/said" 2>&1 || fail "$1 page: $(head -c 2000 "$tmp/said")"
}

cd "$tmp" || exit 1
run 0 tape import --format polymarket-books -o two.tape "$PMM_SRC"/examples/data/btc-updown-5m-1776324000.jsonl.gz "$PMM_SRC"/examples/data/btc-updown-5m-1776324300.jsonl.gz
run 0 backtest -c "$PMM_SRC/examples/linear.yaml" --tape two.tape --report linear.html
run 0 backtest -c "$PMM_SRC/examples/logit.yaml" --tape two.tape --report logit.html
run 0 backtest -c "$PMM_SRC/examples/digital.yaml" --scenario digital --report digital.html
run 0 backtest --set risk.max_heat=0 --tape two.tape --report quiet.html # nobody trades
run 0 sweep -c "$PMM_SRC/examples/linear.yaml" --set params.spread_bps=100,200,400 --set params.size=5,10 --tape two.tape --report sweep.html --quiet
run 0 report compare linear.html logit.html -o compare.html
page backtest "$tmp/linear.html" 9
page backtest "$tmp/digital.html" 9
page backtest "$tmp/quiet.html" 3
page compare "$tmp/compare.html" 1
page sweep "$tmp/sweep.html" 1
finish
