# tests/app/lib_live.sh -- sourced after lib.sh by the tests of the running program: an exchange of three dialects on free ports, programs that trade on it
# in the background, and waiting for what they say instead of for time to pass.
for tool in curl openssl jq node; do command -v "$tool" >/dev/null || { echo "no $tool"; exit 77; }; done
dialects="kalshi polymarket degen"
# What a shell hands down must not decide what is tested.
unset PK CLOB_API_KEY CLOB_SECRET CLOB_PASS_PHRASE FUNDER_ADDRESS CLOB_HOST CHAIN_ID POLY_SIGNATURE_TYPE PMM_REAL_MONEY XDG_STATE_HOME
unset KALSHI_API_KEY_ID KALSHI_PRIVATE_KEY_PATH KALSHI_PRIVATE_KEY DEGEN_API_KEY DEGEN_WALLET_KEY
HOME=$tmp
admin_token=admin-$(openssl rand -hex 16)
degen_secret=degen-$(openssl rand -hex 16)

# Wallets that every developer of contracts knows, with their addresses: nothing was ever worth anything there.
wallet_key_1=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80 wallet_1=0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
wallet_key_2=0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d wallet_2=0x70997970C51812dc3A010C7d01b50e0d17dc79C8
wallet_key_3=0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a wallet_3=0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC

openssl genrsa -out "$tmp/key.pem" 2048 2>/dev/null && openssl rsa -in "$tmp/key.pem" -pubout -out "$tmp/pub.pem" 2>/dev/null && chmod 600 "$tmp/key.pem"

running=
# background NAME COMMAND...: in the background, its output in $tmp/NAME.out and .err, its process in $pid; ended with the test at the latest.
background() {
  name=$1; shift
  : >"$tmp/$name.out" 2>"$tmp/$name.err" # nothing that an earlier one of this name said
  "$@" >>"$tmp/$name.out" 2>>"$tmp/$name.err" &
  pid=$!
  running="$running $pid"
}
clean_up() {
  for p in $running; do kill -CONT "$p" 2>/dev/null; kill -9 "$p" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

now_ms() { date +%s%3N; }
# until_ms LIMIT COMMAND...: until the command succeeds; fails after LIMIT milliseconds.
until_ms() {
  limit=$(($(now_ms) + $1)); shift
  until "$@"; do
    [ "$(now_ms)" -lt "$limit" ] || return 1
    sleep 0.05
  done
}
has_text() { grep -qF -e "$2" "$1" 2>/dev/null; } # FILE TEXT
has_lines() { [ -f "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]; }    # FILE COUNT
# waits_for NAME TEXT [SECONDS]: what it says (or logs) contains TEXT.
waits_for() { until_ms "${3:-20}000" has_text "$tmp/$1.err" "$2" || { fail "$1 never says '$2': $(tail -c 600 "$tmp/$1.err")"; return 1; }; }

# member NAME NUMBER: an account in all three dialects.
member() {
  eval "address=\$wallet_$2"
  echo "  - {name: $1, cash: 10000, kalshi_key_id: key-of-$1, kalshi_public_key: $tmp/pub.pem, polymarket_address: \"$address\", polymarket_funder: \"$address\"}"
}
quiet="traders: {noise: 0, informed: 0, momentum: 0, reference: 0}"
busy="traders: {noise: 6, noise_rate: 0.7, informed: 2, momentum: 1, reference: 2}
scenario: {volatility: 0.4, step: 250ms}"
# exchange_config LISTINGS TRADERS MEMBERS: $tmp/exchange.yaml
exchange_config() {
  printf 'seed: 7\nserve: [{dialect: kalshi}, {dialect: polymarket}, {dialect: degen}]\nlistings: [%s]\n%s\nmembers:\n%s\n' "$1" "$2" "$3" >"$tmp/exchange.yaml"
}
# exchange ARGS...: runs it; $exchange_pid, and url_of DIALECT.
exchange() {
  background exchange env "PMM_EXCHANGE_ADMIN_TOKEN=$admin_token" "DEGEN_EXCHANGE_SECRET=$degen_secret" "$PMM_BIN" exchange -c "$tmp/exchange.yaml" --json "$@"
  exchange_pid=$pid
  until_ms 30000 has_lines "$tmp/exchange.out" 3 || { fail "no exchange: $(head -c 300 "$tmp/exchange.err")"; finish; }
}
url_of() { sed -n "s/.*\"dialect\":\"$1\",\"url\":\"\([^\"]*\)\".*/\1/p" "$tmp/exchange.out"; }

# secrets_of NAME NUMBER: a file with what it needs for all three.
secrets_of() {
  eval "key=\$wallet_key_$2"
  (umask 077; printf 'KALSHI_API_KEY_ID=key-of-%s\nKALSHI_PRIVATE_KEY_PATH=%s\nPK=%s\nDEGEN_API_KEY=%s\nDEGEN_WALLET_KEY=%s\n' "$1" "$tmp/key.pem" "$key" "$1" "$degen_secret" >"$tmp/secrets-$1")
}
# live_config NAME DIALECT ACCOUNT MARKET [URL]: $tmp/NAME.yaml, with a state folder of its own.
live_config() {
  at=${5:-$(url_of "$2")}
  cat >"$tmp/$1.yaml" <<END
strategy: linear
seed: 7
engine: {min_requote: 100ms}
risk: {max_order_rate: 0}
venues: [{name: $2, venue: $2, rest: "$at", ws: "ws${at#http}", markets: $4}]
live: {state: $tmp/state-$1, secrets: $tmp/secrets-$3}
END
}
# live NAME ARGS...: `pmm live` in the background with $tmp/NAME.yaml, its log as JSON lines in $tmp/NAME.err.
live() {
  name=$1; shift
  background "$name" "$PMM_BIN" live -c "$tmp/$name.yaml" --json --log - "$@"
}
# ends NAME PID SIGNAL STATUS: within five seconds of the signal, with the status.
ends() {
  began=$(now_ms)
  kill -"$3" "$2" 2>/dev/null || fail "$1: it had ended before: $(tail -c 600 "$tmp/$1.err")"
  gone() { ! kill -0 "$2" 2>/dev/null || [ "$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$2/status" 2>/dev/null)" = Z ]; }
  until_ms 8000 gone "$1" "$2" || { fail "$1: still there 8 s after SIG$3"; kill -9 "$2"; }
  took=$(($(now_ms) - began))
  wait "$2"
  got=$?
  [ "$got" -eq "$4" ] || fail "$1: status $got, not $4, after SIG$3: $(tail -c 600 "$tmp/$1.err")"
  [ "$took" -le 5000 ] || fail "$1: $took ms from SIG$3 to its end"
}

# account DIALECT NAME: as the exchange's ledger has it.
account() { curl -s -m 10 -H "Authorization: Bearer $admin_token" "$(url_of "$1")/admin/accounts/$2"; }
resting() { account "$1" "$2" | jq '.orders | length'; }        # DIALECT NAME
is_resting() { n=$(resting "$1" "$2"); [ "${n:-0}" -gt 0 ]; }
is_empty() { n=$(resting "$1" "$2"); [ "${n:-1}" -eq 0 ]; }
checks() { # DIALECT: the exchange's own books add up
  curl -s -m 10 -H "Authorization: Bearer $admin_token" "$(url_of "$1")/admin/check" | grep -qF '"ok":true' || fail "$1: the exchange's books do not add up"
}
# log_says FILE CODE: a line of the log with this code.
log_has() { jq -e --arg code "$2" 'select(.code == $code)' "$1" >/dev/null 2>&1; }
