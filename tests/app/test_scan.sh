#!/bin/sh
# pmm scan from the outside: one market, several, moments, strategies, and what is refused.
. "$(dirname "$0")/lib.sh"
cd "$PMM_SRC" || exit 1
kalshi=tests/fixtures/kalshi

run 0 tape import --format kalshi-ws -o "$tmp/k.tape" $kalshi/*.ndjson
run 0 tape import --format polymarket-multifeed -o "$tmp/m.tape" tests/fixtures/multifeed.json

# One market: the long report with its four conditions and what the recording cannot tell.
run 0 scan "$tmp/m.tape" --set 'market.only=*0200'
for word in LIMITED liquidity spread 'volume 24 h' 'time left' 'wanted at least 7' 'without sizes' linear adaptive logit digital; do says out "$word"; done
run 0 scan "$tmp/m.tape" --json
says out '"verdict": "LIMITED"'
says out '"has_sizes": false'

# Several: a table; the same figures twice; --top.
run 0 scan "$tmp/k.tape" "$tmp/m.tape"
says out "markets at each market's end"
cp "$tmp/out" "$tmp/first"
run 0 scan "$tmp/k.tape" "$tmp/m.tape"
cmp -s "$tmp/out" "$tmp/first" || fail "two scans differ"
run 0 scan "$tmp/k.tape" "$tmp/m.tape" --top 1
says out "more markets are not shown"
run 0 scan "$tmp/k.tape" "$tmp/m.tape" --top 1 --json
[ "$(grep -c '"verdict"' "$tmp/out")" -eq 1 ] || fail "--top 1 shows more than one market"

# A moment, one strategy, a configuration, a reward programme.
run 0 scan "$tmp/m.tape" --at middle --strategy digital
says out digital
grep -q adaptive "$tmp/out" && fail "--strategy digital shows adaptive"
run 0 scan "$tmp/m.tape" --at 1990-01-01T00:00:00Z
says out NO_DATA
run 0 scan -c examples/adaptive.yaml "$tmp/m.tape" --json
says out '"market_max": 10'
run 0 scan "$tmp/k.tape" --set rewards.model=kalshi --json
says out reward_low

# Refused.
run 2 scan
says err 'pmm: no tape'
run 2 scan --at yesterday "$tmp/m.tape"
says err 'pmm: --at: yesterday (allowed: end, middle, or a time'
run 2 scan --top 0 "$tmp/m.tape"
run 2 scan --strategy nonsense "$tmp/m.tape"
says err "known: linear, adaptive, logit, digital, curve, arbitrage"
run 2 scan --set nonsense=1 "$tmp/m.tape"
run 1 scan "$tmp/nowhere.tape"
says err nowhere.tape
run 1 scan "$tmp/k.tape" --set market.only=NOTHING
says err 'no strategy matches'
run 0 scan --help
says out 'usage: pmm scan'
finish
