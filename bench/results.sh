#!/bin/sh
# Replays every recording of the data folder against every strategy that applies and writes docs/results.md.
# usage: PMM_DATA=folder bench/results.sh [OUT.md]     (needs build/pmm and jq)
set -eu
cd "$(dirname "$0")/.."
pmm=${PMM_BIN:-build/pmm}
out=${1:-docs/results.md}
if [ -z "${PMM_DATA:-}" ]; then
  echo "PMM_DATA does not name a folder of recordings: nothing to replay" >&2
  exit 77
fi
PMM_BIN=$(command -v "$pmm" || echo "$pmm")
export PMM_BIN
command -v jq >/dev/null || { echo "jq is missing (apt-get install jq)" >&2; exit 2; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

import() { # FORMAT NAME FILES...
  format=$1 name=$2
  shift 2
  "$pmm" tape import --format "$format" "$@" -o "$tmp/$name.tape" >/dev/null
  "$pmm" tape verify "$tmp/$name.tape" >/dev/null
}

row() { # LABEL TAPE STRATEGY CONFIG [SET...]
  label=$1 tape=$2 strategy=$3 config=$4
  shift 4
  "$pmm" backtest -c "$config" --tape "$tape" --quiet --json "$tmp/r.json" "$@" 2>"$tmp/e" || { cat "$tmp/e" >&2; exit 1; }
  jq -r --arg name "$label" --arg strategy "$strategy" '
    def c: if . == null then "–" else (. * 100 * 100 | round / 100 | tostring) end;
    def d: (. * 100 | round / 100 | if . == 0 then 0 else . end | tostring);
    "| \($name) | \($strategy) | \(.messages) | \(.orders) | \(.fills) | \(.fill_source) | \(.outcome) | \(.final_net) | \(.pnl.spread|d) | \(.pnl.inventory|d) | \(.pnl.fees|d) | **\(.pnl.total|d)** | \(.max_drawdown|d) | \(.markout["10s"]|c) | \(.uptime*100|round) | `\(.state_hash[2:10])` |"
  ' "$tmp/r.json" >>"$tmp/rows"
  jq -r --arg strategy "$strategy" '"\($strategy) \(.pnl_e6)"' "$tmp/r.json" >>"$tmp/sums.$set_name"
}

section() { # TITLE TEXT
  set_name=$(echo "$1" | tr -c 'a-z0-9\n' '-')
  : >"$tmp/rows"
  : >"$tmp/sums.$set_name"
  printf '\n## %s\n\n%s\n\n' "$1" "$2" >>"$tmp/page"
}
close_section() {
  {
    echo '| recording | strategy | messages | orders | fills | fills from | outcome | final net | spread $ | inventory $ | fees $ | P&L $ | max drawdown $ | markout 10 s, c | two-sided % | state |'
    echo '|---|---|---:|---:|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|'
    cat "$tmp/rows"
    echo
    awk '{ p = $NF; $NF = ""; sub(/ $/, ""); s[$0] += p; n[$0]++; if (p > 0) w[$0]++; else if (p < 0) l[$0]++ }
      END { for (k in s) printf "* `%s`: %d recording%s, %d with a gain, %d with a loss, together $%.2f\n", k, n[k], (n[k] == 1 ? "" : "s"), w[k]+0, l[k]+0, s[k] / 1e6 }' "$tmp/sums.$set_name" | sort
  } >>"$tmp/page"
}

cat >"$tmp/page" <<'EOF'
# Results on recorded markets

Every recording of the development set against every strategy that applies to it, settled at the true outcome, written by
`bench/results.sh`. Configurations are those of `examples/`; nothing is tuned to these recordings, and losses stand as
they came. "fills from" says what the fills rest on: printed trades, trades inferred from volume steps, or the book
crossing our price where the source has no trades ([how each is modelled and which way it errs](backtest.md)).
`digital` needs the underlying's price and a strike, so it runs where the recording has them. P&L is after fees.
EOF

# Each set of the folder as one tape and one account, whatever it holds.
section "Every set, under both queue models" "Each set whole, as one account. \`back\` takes every cancel to have stood behind us, \`power\` (exponent 2) shares cancels out: between the two lies what the
queue model alone decides, which is nothing where a set has no sizes or no prints. Sets of prices alone (daily, weather) fill by chance at a stated, seeded rate, at which nobody traded: they show that accounts
and settlement come out right, not what trading would earn. Sets of feeds or outcomes alone have no book to quote on: they replay, resolve, and trade nothing.
Strategies that decide on a beat of seconds are left out where thousands of markets are polled hours apart: it would take an hour to decide the same thing again and again."
sh bench/import_all.sh "$PMM_DATA" "$tmp/all" >"$tmp/imports" || { cat "$tmp/imports" >&2; exit 1; }
for tape in "$tmp"/all/*.tape; do
  set=$(basename "$tape" .tape)
  strategies="linear adaptive logit"
  case $set in kalshi-btc15m-ws | polymarket-btc5m-multifeed | chainlink-btcusd) strategies="$strategies digital" ;; binance-spot-raw | resolved-* | weather-*) strategies=linear ;;
    kalshi-crypto-hourly-ladder) strategies="linear adaptive" ;; esac
  for s in $strategies; do
    for q in back power; do row "$set" "$tape" "$s, $q" "examples/$s.yaml" --set exchange.queue=$q; done
  done
done
close_section

# One account replays the whole day: markets that span two recording sessions, and outcomes that only a later session
# shows (the next market's strike), come out right only when all sessions are one tape.
import kalshi-ws kalshi-day "$PMM_DATA"/kalshi-btc15m-ws/*.ndjson.gz
"$pmm" tape info --json "$tmp/kalshi-day.tape" | jq -r '.markets[] | "\(.id),\(.outcome)"' >"$tmp/kalshi-outcomes.csv"
section "Kalshi, BTC up in 15 minutes (13 May 2026), the day as one account" "16 recording sessions as one tape, $("$pmm" tape info --json "$tmp/kalshi-day.tape" | jq -r '"\(.markets | length) markets"'), trades inferred from the ticker."
for s in linear adaptive logit digital; do row "all sessions" "$tmp/kalshi-day.tape" $s examples/$s.yaml; done
close_section
section "The same, each session an account of its own" "Outcomes as the whole day shows them."
for snap in "$PMM_DATA"/kalshi-btc15m-ws/*.orderbook_snapshot.ndjson.gz; do
  session=$(basename "$snap" .orderbook_snapshot.ndjson.gz)
  import kalshi-ws session "$PMM_DATA"/kalshi-btc15m-ws/"$session".*.ndjson.gz --outcomes "$tmp/kalshi-outcomes.csv"
  for s in linear adaptive logit digital; do row "$session" "$tmp/session.tape" $s examples/$s.yaml; done
done
close_section

section "Polymarket, BTC up or down in 5 minutes, full books (16 April 2026)" "No trades on file: an order fills when the book comes to its price."
for f in "$PMM_DATA"/polymarket-btc5m-books/*.jsonl.gz; do
  name=$(basename "$f" .jsonl.gz)
  import polymarket-books "$name" "$f"
  for s in linear adaptive logit; do row "$name" "$tmp/$name.tape" $s examples/$s.yaml; done
done
close_section

section "Polymarket, raw market channel (21 April 2026, 14 s)" "Two markets, every message type, printed trades; the recording ends before the outcome is known, so it settles void."
import polymarket-ws ws-raw "$PMM_DATA"/polymarket-ws-raw/*
for s in linear adaptive logit; do row "btc5m_20260421T215333Z" "$tmp/ws-raw.tape" $s examples/$s.yaml; done
close_section

section "Polymarket, prints with oracle and spot (20 August 2026)" "Top of book without sizes in the last 90 s, printed trades, Binance and Chainlink."
for f in "$PMM_DATA"/polymarket-btc5m-multifeed/*.json.gz; do
  name=$(basename "$f" .json.gz)
  import polymarket-multifeed "$name" "$f"
  for s in linear adaptive logit digital; do row "$name" "$tmp/$name.tape" $s examples/$s.yaml; done
done
close_section
mv "$tmp/page" "$out"
echo "$out"
