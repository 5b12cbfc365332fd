#!/bin/sh
# `pmm live` killed in the middle of trading and started again at once: it takes over what the account holds, adopts or cancels what still rests, is ready
# within two seconds, uses no order id again, and its ledger is the venue's from then on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_live.sh"

secrets_of me 1
# In the second market every fill costs more than a quote earns.
exchange_config "{id: RAIN, event: RAIN-EV, duration: 6h}, {id: COSTLY, dialect: degen, duration: 6h, fees: degen, maker_rate: 0.05}" "$busy" "$(member me 1)"
exchange --verbose

begin() { # DIALECT ARGS...: started, and ready
  d=$1; shift
  began=$(now_ms)
  live "$d" --set venues.0.reconcile=1s "$@"
  eval "pid_$d=\$pid"
  waits_for "$d" '"code":"ready"'
  took=$(($(now_ms) - began))
}
kill_one() { # DIALECT: with orders in the book
  until_ms 20000 is_resting "$1" me || fail "$1: no order rests"
  eval "kill -9 \$pid_$1"
  eval "wait \$pid_$1" 2>/dev/null
}
run_of() { jq .run "$tmp/state-$1/state.json"; }
ids() { account "$1" me | jq -r '.orders[] | .client_id, .id | select(. != "")' | sort; }
has_fills() { [ "$(account "$1" me | jq .fills)" -ge "$2" ]; }
agrees() { ! log_has "$tmp/$1.err" difference; }

for d in $dialects; do live_config "$d" "$d" me RAIN; done
for d in $dialects; do begin "$d"; done
for d in $dialects; do until_ms 20000 has_fills "$d" 2 || fail "$d: no fills"; done

# -- killed, started with what rests adopted --
for d in $dialects; do
  kill_one "$d"
  first=$(run_of "$d")
  ids "$d" >"$tmp/ids-before-$d"
  account "$d" me >"$tmp/before-$d"
  begin "$d" --set venues.0.open_orders=adopt
  [ "$took" -le 2000 ] || fail "$d: ready $took ms after its start"
  echo "$d: ready $took ms after its start, $(jq -r 'select(.code == "takeover") | .text' "$tmp/$d.err")"
  [ "$(run_of "$d")" -gt "$first" ] || fail "$d: run $(run_of "$d") after run $first"
  # what it took over is what the exchange's ledger had, give or take what traded in between: then both say more fills
  has_fills "$d" "$(($(jq .fills "$tmp/before-$d") + 1))" || {
    jq -r '"$" + .cash + " cash"' "$tmp/before-$d" >"$tmp/cash"
    has_text "$tmp/$d.err" "$(cat "$tmp/cash")" || fail "$d: not the cash it has ($(cat "$tmp/cash")): $(grep takeover "$tmp/$d.err")"
  }
done
for d in $dialects; do
  more=$(($(account "$d" me | jq .fills) + 2))
  until_ms 20000 has_fills "$d" "$more" || fail "$d: does not trade after its return"
  # An id that was there before belongs to an order adopted and still resting; a new order carries the new run's number.
  prefix=$(printf '%08x' "$(run_of "$d")")
  ids "$d" | grep -e '^pmm-' -e '^p0' >"$tmp/ids-now-$d"
  grep -vxF -f "$tmp/ids-before-$d" "$tmp/ids-now-$d" | grep -v "$prefix" && fail "$d: an order of neither run"
  log_has "$tmp/$d.err" reject && grep -i dup "$tmp/$d.err" && fail "$d: an id was used twice"
done

# -- killed, started with what rests cancelled --
for d in $dialects; do
  kill_one "$d"
  ids "$d" >"$tmp/ids-before-$d"
  begin "$d"
  [ "$took" -le 2000 ] || fail "$d: ready $took ms after its start, with orders to cancel"
  echo "$d: ready $took ms after its start, $(jq -r 'select(.code == "takeover") | .text' "$tmp/$d.err")"
  has_text "$tmp/$d.err" "0 orders open" || fail "$d: orders were not cancelled first: $(grep takeover "$tmp/$d.err")"
  ids "$d" >"$tmp/ids-now-$d"
  grep -xF -f "$tmp/ids-before-$d" "$tmp/ids-now-$d" && fail "$d: an order of before still rests"
done
for d in $dialects; do
  more=$(($(account "$d" me | jq .fills) + 1))
  until_ms 20000 has_fills "$d" "$more" || fail "$d: does not trade after its second return"
done

# -- its end: nothing rests, nothing differs --
for d in $dialects; do
  eval "ends $d \$pid_$d INT 0"
  is_empty "$d" me || fail "$d: orders left"
  agrees "$d" || fail "$d: $(grep difference "$tmp/$d.err")"
  jq -e '.killed == false and (.markets | length) == 1' "$tmp/$d.out" >/dev/null || fail "$d: no result: $(head -c 300 "$tmp/$d.out")"
  checks "$d"
done

# -- the day's loss is the day's, however often the run is killed in it: the second run is stopped by what both lost --
live_config loser degen me COSTLY
state=$tmp/state-loser/state.json
lost() { jq -e ".day.result_e6 <= -$1" "$state" >/dev/null 2>&1; } # MILLIONTHS
live loser --set risk.max_daily_loss=1000
until_ms 60000 lost 300000 || fail "it does not lose: $(cat "$state")"
kill -9 "$pid"
wait "$pid" 2>/dev/null
first=$(jq .day.result_e6 "$state")
fills=$(jq .day.trades "$state")
budget=$((-first + 200000))
live loser --set "risk.max_daily_loss=$(printf '%d.%06d' $((budget / 1000000)) $((budget % 1000000)))"
waits_for loser "the day's loss has reached its limit" 60
waits_for loser '"code":"killed"'
until_ms 5000 is_empty degen me || fail "killed for the loss of two runs, and orders rest"
ends loser "$pid" INT 1
jq -e ".killed and .day.result_e6 <= -$budget and .day.trades >= $fills" "$state" >/dev/null || fail "after both runs, $first and $fills fills by the first: $(cat "$state")"
jq -e ".killed" "$tmp/loser.out" >/dev/null || fail "no result: $(head -c 300 "$tmp/loser.out")"
# A person accepts it: the day counts afresh. The day before counts for nothing.
run 0 live -c "$tmp/loser.yaml" --reset-kill
jq -e '(.killed | not) and .day.result_e6 == 0' "$state" >/dev/null || fail "the loss was not accepted: $(cat "$state")"
jq -c '.day.result_e6 = -1000000000 | .day.utc_day -= 1' "$state" >"$state.new" && mv "$state.new" "$state"
live loser
waits_for loser '"code":"ready"'
until_ms 20000 is_resting degen me || fail "yesterday's loss stops it: $(tail -c 600 "$tmp/loser.err")"
ends loser "$pid" INT 0
finish
