#!/bin/sh
# bench/import_all.sh DIR OUT -- imports every recorded set of DIR into OUT as tapes, verifies them and prints one line each:
#   name, records, markets, sound or the error. Sets that are not there are left out. Exit status 1 when one failed.
#   PMM_BIN: the program (default: pmm of the PATH).
set -u
[ $# -eq 2 ] || { echo "usage: $0 DIR OUT" >&2; exit 2; }
dir=$1 out=$2 pmm=${PMM_BIN:-pmm} failed=0
mkdir -p "$out" || exit 1

set_of() { # NAME FORMAT FILE...
  name=$1 format=$2
  shift 2
  [ -e "$1" ] || return 0
  if error=$("$pmm" tape import --format "$format" -o "$out/$name.tape" "$@" 2>&1 >/dev/null) &&
      error=$("$pmm" tape verify "$out/$name.tape" 2>&1 >"$out/$name.verify"); then
    printf '%-28s %s\n' "$name" "$(sed 's/^[^:]*: //' "$out/$name.verify")"
  else
    printf '%-28s FAILED: %s\n' "$name" "$error"
    failed=1
  fi
  rm -f "$out/$name.verify"
}

set_of kalshi-btc15m-ws            kalshi-ws             "$dir"/kalshi-btc15m-ws/*.ndjson.gz
set_of polymarket-btc5m-books      polymarket-books      "$dir"/polymarket-btc5m-books/*.jsonl.gz
set_of polymarket-ws-raw           polymarket-ws         "$dir"/polymarket-ws-raw/*
set_of polymarket-btc5m-multifeed  polymarket-multifeed  "$dir"/polymarket-btc5m-multifeed/*.json.gz
set_of polymarket-updown-bbo-csv   polymarket-updown-csv "$dir"/polymarket-updown-bbo-csv/*.csv.gz
set_of kalshi-nyc-hightemp-bbo     kalshi-bbo-csv        "$dir"/kalshi-nyc-hightemp-bbo/*.csv.gz
set_of kalshi-worldcup-bbo         kalshi-bbo-polls      "$dir"/kalshi-worldcup-bbo/*.jsonl.gz
set_of kalshi-crypto-hourly-ladder kalshi-ladder         "$dir"/kalshi-crypto-hourly-ladder/*.jsonl.gz
set_of kalshi-depth-snapshots      kalshi-depth          "$dir"/kalshi-depth-snapshots/*.jsonl.gz
set_of resolved-polymarket-daily   polymarket-daily      "$dir"/resolved-polymarket-daily/*.csv.gz
set_of weather-polymarket          polymarket-prices     "$dir"/weather-prices/polymarket_*.csv.gz
set_of weather-kalshi              kalshi-candles        "$dir"/weather-prices/kalshi_*.csv.gz
set_of resolved-btc5m              polymarket-outcomes   "$dir"/resolved-btc5m/*.csv.gz
set_of chainlink-btcusd             chainlink            "$dir"/chainlink-btcusd-*/*
set_of multi-venue-envelope         feeds-envelope       "$dir"/multi-venue-envelope/*
set_of binance-spot-raw             binance              "$dir"/binance-spot-raw/*
exit $failed
