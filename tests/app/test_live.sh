#!/bin/sh
# pmm live, paper and record as a user runs them: wrong usage, what is refused before anything is sent, the state folder, and runs on an exchange of three
# dialects that end with nothing left.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_live.sh"

# -- wrong usage, wrong configuration: 2 --
for command in live paper record; do
  run 0 "$command" --help
  says out "usage: pmm $command"
  run 2 "$command"
  says err "no configuration"
  run 2 "$command" -c "$tmp/none.yaml"
  run 2 "$command" -c "$PMM_SRC/examples/linear.yaml" more
  says err "unexpected argument more"
  run 2 "$command" -c "$PMM_SRC/examples/linear.yaml" --duration 0
  says err "--duration"
done
printf 'strategy: linear\nlive: {state: %s/state}\n' "$tmp" >"$tmp/bare.yaml"
run 2 live -c "$tmp/bare.yaml"
says err "venues"
run 2 record -c "$tmp/bare.yaml"
says err "-o DIR"
run 2 paper -c "$tmp/bare.yaml" --real-money
run 2 record -c "$tmp/bare.yaml" --reset-kill
run 2 live -c "$tmp/bare.yaml" --set venues.0.venue=nasdaq
says err "nasdaq"

# -- secrets: missing ones by name, files that others may read, lines by number and never by text --
here="--set venues.0.rest=http://127.0.0.1:9 --set venues.0.ws=ws://127.0.0.1:9 --set venues.0.markets=RAIN"
run 2 live -c "$tmp/bare.yaml" $here
says err "KALSHI_API_KEY_ID is not set"
KALSHI_API_KEY_ID=x run 2 live -c "$tmp/bare.yaml" $here
says err "KALSHI_PRIVATE_KEY_PATH is not set"
run 2 live -c "$tmp/bare.yaml" $here --set venues.0.venue=polymarket
says err "PK"
PK=$wallet_key_1 CLOB_API_KEY=x run 2 live -c "$tmp/bare.yaml" $here --set venues.0.venue=polymarket
says err "go together"
run 2 live -c "$tmp/bare.yaml" $here --set venues.0.venue=degen
says err "DEGEN_API_KEY is not set"
DEGEN_API_KEY=me run 2 live -c "$tmp/bare.yaml" $here --set venues.0.venue=degen
says err "DEGEN_WALLET_KEY is not set"
printf '# a comment\n\nDEGEN_API_KEY=me\nthis line holds hunter2\n' >"$tmp/bad"
chmod 644 "$tmp/bad"
run 2 live -c "$tmp/bare.yaml" $here --set "live.secrets=$tmp/bad"
says err "chmod 600"
chmod 600 "$tmp/bad"
run 2 live -c "$tmp/bare.yaml" $here --set "live.secrets=$tmp/bad"
says err "bad:4:"
grep -q hunter2 "$tmp/err" && fail "the text of a line of secrets is in a message"
run 2 live -c "$tmp/bare.yaml" $here --set "live.secrets=$tmp/none"
run 2 live -c "$tmp/bare.yaml" $here --set "live.secrets=$tmp"
ln -s "$tmp/bad" "$tmp/link"
run 2 live -c "$tmp/bare.yaml" $here --set "live.secrets=$tmp/link"

# -- real money: refused unless it is asked for and confirmed. The host does not exist; a request would be heard of as a failure to resolve it --
far="--set venues.0.venue=degen --set venues.0.rest=https://exchange.invalid --set venues.0.ws=wss://exchange.invalid/ws --set venues.0.markets=RAIN"
export DEGEN_API_KEY=me DEGEN_WALLET_KEY=$degen_secret
run 2 live -c "$tmp/bare.yaml" $far
says err "--real-money"
run 2 live -c "$tmp/bare.yaml" $far --real-money </dev/null
says err "not confirmed: nothing was sent"
PMM_REAL_MONEY=yes run 2 live -c "$tmp/bare.yaml" $far --real-money </dev/null
says err "not confirmed"
run 2 live -c "$tmp/bare.yaml" --set venues.0.venue=kalshi --set venues.0.markets=RAIN # no host named is the venue's own
says err "--real-money"
run 2 live -c "$tmp/bare.yaml" $far --set venues.0.rest=http://127.0.0.1:9             # the socket is elsewhere
says err "--real-money"
run 2 live -c "$tmp/bare.yaml" $here --set venues.0.venue=degen --set venues.1.venue=kalshi
says err "1 of 2 venues"
for place in rest ws gamma data; do
  run 2 live -c "$tmp/bare.yaml" $far "--set=venues.0.$place=ftp://exchange.invalid"
  says err "venues.0.$place: exchange.invalid: expected"
done
run 2 live -c "$tmp/bare.yaml" $far --set venues.0.rest=http://exchange.invalid
says err "plain text only to this machine"
PMM_REAL_MONEY='trade real money' run 2 live -c "$tmp/bare.yaml" $far --real-money --set "live.secrets=$tmp/none"
says err "$tmp/none" # confirmed: what comes next is missing
if command -v script >/dev/null; then
  for word in yes 'trade real money'; do
    printf '%s\n' "$word" | timeout 20 script -qec "'$PMM_BIN' live -c '$tmp/bare.yaml' $far --real-money --set live.secrets='$tmp/none'" /dev/null >"$tmp/out" 2>&1
    [ $? -eq 2 ] || fail "typed '$word': not 2"
    says out "Type \"trade real money\""
    [ "$word" = yes ] && says out "not confirmed" || says out "$tmp/none"
  done
fi
unset DEGEN_API_KEY DEGEN_WALLET_KEY

# -- the exchange --
secrets_of me 1
# In the second market every fill costs more than a quote earns.
exchange_config "{id: RAIN, event: RAIN-EV, duration: 6h}, {id: COSTLY, dialect: degen, duration: 6h, fees: degen, maker_rate: 0.05}" "$busy" "$(member me 1)"
exchange
for d in $dialects; do live_config "$d" "$d" me RAIN; done
has_fills() { [ "$(account "$1" me | jq .fills)" -ge "$2" ]; }

# -- what an earlier run left: a state that cannot be read, and the kill switch --
mkdir -m 700 "$tmp/state-degen"
day='"day":{"utc_day":0,"result_e6":0,"trades":0,"streak":0}'
for text in '{"run":1,"killed":tru' '[]' "{\"run\":-1,\"killed\":false,$day,\"venues\":{}}" "{\"run\":1,\"killed\":false,$day,\"venues\":{\"degen\":1}}" \
  '{"run":1,"killed":false,"fills_until_ns":[]}' ''; do
  echo "$text" >"$tmp/state-degen/state.json"
  run 2 live -c "$tmp/degen.yaml" --duration 1
  says err "state.json"
  run 1 live -c "$tmp/degen.yaml" --reset-kill
done
echo "{\"run\":7,\"killed\":true,$day,\"venues\":{}}" >"$tmp/state-degen/state.json"
run 1 live -c "$tmp/degen.yaml" --duration 1 --json --log -
says err "the kill switch is on"
jq -e '.killed and .orders == 0' "$tmp/out" >/dev/null || fail "it traded although killed: $(head -c 200 "$tmp/out")"
run 0 live -c "$tmp/degen.yaml" --reset-kill
says out "the kill switch is off"
run 0 live -c "$tmp/degen.yaml" --reset-kill
says out "was not on"

# -- a run on each: fills, one result, nothing left; and one account, one run --
for d in $dialects; do live "$d"; eval "pid_$d=\$pid"; done
for d in $dialects; do waits_for "$d" '"code":"ready"'; done
run 2 live -c "$tmp/degen.yaml" --duration 1
says err "another pmm is running"
run 1 live -c "$tmp/degen.yaml" --reset-kill
says err "another pmm is running"
[ "$(stat -c %a "$tmp/state-degen/state.json")" = 600 ] || fail "others may read the state"
for d in $dialects; do until_ms 20000 has_fills "$d" 2 && until_ms 10000 is_resting "$d" me || fail "$d: it does not trade"; done
for d in $dialects; do
  eval "ends $d \$pid_$d INT 0"
  is_empty "$d" me || fail "$d: orders left"
  jq -e '.fills >= 1 and .killed == false and .markets[0].market == "RAIN"' "$tmp/$d.out" >/dev/null || fail "$d: no result: $(head -c 300 "$tmp/$d.out")"
  jq -e 'select(.severity == "alert")' "$tmp/$d.err" && fail "$d: an alert"
  checks "$d"
done

# -- money that nobody can explain: more is booked, less stops trading for good --
post() { curl -s -m 10 -H "Authorization: Bearer $admin_token" -d "$3" "$(url_of "$1")/admin/$2" >/dev/null; }
live degen --set venues.0.reconcile=1s
degen_pid=$pid
waits_for degen '"code":"ready"'
post degen accounts/me/deposit '{"amount":"25"}'
waits_for degen '"code":"cash-in"'
post degen accounts/me/deposit '{"amount":"-40"}'
waits_for degen '"code":"difference"'
waits_for degen '"code":"killed"'
until_ms 5000 is_empty degen me || fail "killed, and orders rest"
until_ms 5000 has_text "$tmp/state-degen/state.json" '"killed":true' || fail "the kill switch is not written down"
ends degen "$degen_pid" TERM 1
run 1 live -c "$tmp/degen.yaml" --duration 1
run 0 live -c "$tmp/degen.yaml" --reset-kill
says out "is off"

# -- too much lost in a day: the same --
live degen --set venues.0.markets=COSTLY --set risk.max_daily_loss=0.3
degen_pid=$pid
waits_for degen "the day's loss has reached its limit of \$0.30" 30
waits_for degen '"code":"killed"'
until_ms 5000 is_empty degen me || fail "killed for its loss, and orders rest"
ends degen "$degen_pid" INT 1
run 0 live -c "$tmp/degen.yaml" --reset-kill

# -- what a strategy learned goes over to the next run, where its parameters are the same --
logit="--set strategy=logit --set params.warmup=false --set params.dt_sample=0.2"
run 0 live -c "$tmp/degen.yaml" $logit --duration 3
jq -e 'length == 1 and .[0].strategy == "logit" and .[0].market == "RAIN"' "$tmp/state-degen/learned.json" >/dev/null || fail "nothing learned: $(cat "$tmp/state-degen/learned.json")"
run 0 live -c "$tmp/degen.yaml" $logit --duration 1
says err "logit in RAIN goes on with what it learned"
run 0 live -c "$tmp/degen.yaml" $logit --set params.dt_sample=0.3 --duration 1
says err "logit in RAIN begins anew"
echo nonsense >"$tmp/state-degen/learned.json"
run 0 live -c "$tmp/degen.yaml" $logit --duration 1
says err "learned.json"

# -- three venues in one engine, with a tape of it, for a time --
cat >"$tmp/three.yaml" <<END
strategy: linear
seed: 7
risk: {max_order_rate: 0}
venues:
$(for d in $dialects; do u=$(url_of "$d"); echo "  - {venue: $d, rest: \"$u\", ws: \"ws${u#http}\", markets: RAIN, groups: \"RAIN=rain\"}"; done)
live: {state: $tmp/state-three, secrets: $tmp/secrets-me}
END
run 0 live -c "$tmp/three.yaml" --duration 4 --json --log "$tmp/three.log" --record "$tmp/tapes-live"
jq -e '(.markets | length) == 3 and .orders > 2 and ([.markets[].market] | unique | length) == 3' "$tmp/out" >/dev/null || fail "three venues: $(head -c 300 "$tmp/out")"
[ "$(grep -c '"code":"ready"' "$tmp/three.log")" -eq 3 ] || fail "three venues: not all ready: $(cat "$tmp/three.log")"
for d in $dialects; do is_empty "$d" me || fail "three venues: orders left on $d"; done
run 0 tape verify "$tmp"/tapes-live/*.tape

# -- the same venues in another order, and one less: each finds its own --
jq -S '.venues | map_values(.fills_until_ns)' "$tmp/state-three/state.json" >"$tmp/marks"
[ "$(jq length "$tmp/marks")" -eq 3 ] || fail "the state does not know three venues: $(cat "$tmp/state-three/state.json")"
cat >"$tmp/two.yaml" <<END
strategy: linear
seed: 7
risk: {max_order_rate: 0}
venues:
$(for d in polymarket kalshi; do u=$(url_of "$d"); echo "  - {venue: $d, rest: \"$u/\", ws: \"ws${u#http}\", markets: RAIN}"; done)
live: {state: $tmp/state-three, secrets: $tmp/secrets-me}
END
run 0 live -c "$tmp/two.yaml" --duration 1 --log "$tmp/two.log"
jq -S '.venues | map_values(.fills_until_ns)' "$tmp/state-three/state.json" >"$tmp/marks-after"
jq -es '.[0] as $was | .[1] as $is | ($was | keys) == ($is | keys) and ($was | keys | all(($was[.] // 0) <= ($is[.] // 0)))
  and ($was | keys | map(select(startswith("degen"))) | all($was[.] == $is[.]))' "$tmp/marks" "$tmp/marks-after" >/dev/null ||
  fail "a venue has lost its mark, or has another's: $(cat "$tmp/marks" "$tmp/marks-after")"

# -- paper: no key where data are public, no order, simulated fills; record: tapes that hold, and that a backtest runs on --
for d in $dialects; do
  account "$d" me >"$tmp/before-$d"
  secrets=$tmp/secrets-me
  [ "$d" = kalshi ] || secrets= # whose socket tells nobody without a key anything
  background "paper-$d" "$PMM_BIN" paper -c "$tmp/$d.yaml" --set "live.secrets=$secrets" --duration 5 --json
  eval "paper_$d=\$pid"
  background "record-$d" "$PMM_BIN" record -c "$tmp/$d.yaml" --set "live.secrets=$secrets" -o "$tmp/tapes-$d" --log -
  eval "record_$d=\$pid"
done
for d in $dialects; do
  eval "wait \$paper_$d" || fail "paper on $d: $(cat "$tmp/paper-$d.err")"
  jq -e '.messages > 0 and .orders > 0' "$tmp/paper-$d.out" >/dev/null || fail "paper on $d: $(head -c 300 "$tmp/paper-$d.out" "$tmp/paper-$d.err")"
  eval "ends record-$d \$record_$d INT 0"
  run 0 tape verify "$tmp/tapes-$d"/*.tape
  run 0 backtest -c "$PMM_SRC/examples/linear.yaml" --tape "$(echo "$tmp/tapes-$d"/*.tape)" --json "$tmp/backtest"
  jq -e '.messages > 0' "$tmp/backtest" >/dev/null || fail "a backtest on what was recorded on $d: $(head -c 200 "$tmp/backtest")"
  account "$d" me | cmp -s - "$tmp/before-$d" || fail "paper on $d changed the account"
done

# -- an exchange that does not answer: within five seconds it ends all the same, and says that orders may rest; a second signal ends it at once --
live degen
first=$pid
live kalshi
second=$pid
for d in degen kalshi; do
  waits_for "$d" '"code":"ready"'
  until_ms 10000 is_resting "$d" me || fail "$d: no order"
done
kill -STOP "$exchange_pid"
ends degen "$first" INT 1
log_has "$tmp/degen.err" orders-left || fail "it does not say that orders may rest: $(tail -3 "$tmp/degen.err")"
kill -INT "$second"
sleep 0.3
ends kalshi "$second" INT 1
[ "$took" -le 1000 ] || fail "the second signal took $took ms"
kill -CONT "$exchange_pid"
ends exchange "$exchange_pid" TERM 0
finish
