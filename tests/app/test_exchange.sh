#!/bin/sh
# pmm exchange as a user runs it: three venues on ports, asked with curl, ended with a signal.
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null && command -v openssl >/dev/null || { echo "no curl or openssl"; exit 77; }

# -- wrong usage and configuration: 2; a taken port: 1 --
run 0 exchange --help
says out "usage: pmm exchange"
run 2 exchange
says err "no configuration"
run 2 exchange -c "$tmp/none.yaml"
run 2 exchange -c "$PMM_SRC/examples/exchange.yaml" more
run 2 exchange -c "$PMM_SRC/examples/linear.yaml"
says err "serve"
run 2 exchange -c "$PMM_SRC/examples/exchange.yaml" --set listings.0.dialect=nasdaq
says err "nasdaq"
PMM_EXCHANGE_ADMIN_TOKEN=short run 2 exchange -c "$PMM_SRC/examples/exchange.yaml"
says err "admin token"
grep -q short "$tmp/err" && fail "the admin token is in a message"

export PMM_EXCHANGE_ADMIN_TOKEN=token-of-the-test-$$-0123456789 DEGEN_EXCHANGE_SECRET=secret-of-the-test-$$-0123456789

# start ARGS...: runs the exchange in the background on free ports, and waits until it says where.
start() {
  : > "$tmp/where" # what an earlier one said must not count
  "$PMM_BIN" exchange -c "$PMM_SRC/examples/exchange.yaml" --set serve.0.port=0 --set serve.1.port=0 --set serve.2.port=0 "$@" >"$tmp/where" 2>"$tmp/notices" &
  pid=$!
  tries=0
  until [ "$(wc -l <"$tmp/where")" -ge 3 ]; do
    kill -0 "$pid" 2>/dev/null || { fail "it ended: $(head -c 300 "$tmp/notices")"; finish; }
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { fail "it says nothing"; kill -9 "$pid"; finish; }
    sleep 0.1
  done
}
# ends SIGNAL: it ends within five seconds, with status 0.
ends() {
  kill -"$1" "$pid"
  ( sleep 5; kill -9 "$pid" 2>/dev/null ) &
  watch=$!
  wait "$pid"
  got=$?
  kill "$watch" 2>/dev/null
  [ "$got" -eq 0 ] || fail "after SIG$1: status $got: $(head -c 300 "$tmp/notices")"
}
url_of() { sed -n "s/.*\"dialect\":\"$1\",\"url\":\"\([^\"]*\)\".*/\1/p" "$tmp/where"; }
# ask STATUS TEXT CURL-ARGS...: the answer has the status and holds the text.
ask() {
  want=$1; text=$2; shift 2
  got=$(curl -s -m 20 -o "$tmp/answer" -w '%{http_code}' "$@")
  [ "$got" = "$want" ] || fail "$*: HTTP $got, not $want: $(head -c 300 "$tmp/answer")"
  grep -qF -e "$text" "$tmp/answer" || fail "$*: no '$text' in $(head -c 300 "$tmp/answer")"
}
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
token_of() { # a member's token, as the venue's tool would make it
  body=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url).$(printf '{"sub":"%s","exp":4102444800}' "$1" | base64url)
  printf '%s.%s' "$body" "$(printf '%s' "$body" | openssl dgst -sha256 -hmac "$DEGEN_EXCHANGE_SECRET" -binary | base64url)"
}

start --json
kalshi=$(url_of kalshi) polymarket=$(url_of polymarket) degen=$(url_of degen)
admin="Authorization: Bearer $PMM_EXCHANGE_ADMIN_TOKEN"
ask 200 '"ticker":"RAIN-TOMORROW"' "$kalshi/trade-api/v2/markets"
ask 200 '"condition_id"' "$polymarket/markets"
ask 200 '"id":"BTC-95K"' "$degen/markets"
ask 401 'admin token' "$degen/admin/stats"
me="Authorization: Bearer $(token_of me)"
ask 401 'unauthorized' -H "Authorization: Bearer x.y.z" "$degen/balance"
ask 200 '"cash":"10000.00"' -H "$me" "$degen/balance"
ask 200 '"status":"open"' -H "$me" -d '{"market":"BTC-95K","outcome":"yes","side":"bid","price":"0.01","size":"3","client_id":"one"}' "$degen/orders"
ask 409 'duplicate_client_id' -H "$me" -d '{"market":"BTC-95K","outcome":"yes","side":"bid","price":"0.01","size":"3","client_id":"one"}' "$degen/orders"
ask 200 '"locked":"0.030000"' -H "$admin" "$degen/admin/accounts/me"
ask 200 '"not_found":[]' -X DELETE -H "$me" -d '{"all":true}' "$degen/orders"
for url in "$kalshi" "$polymarket" "$degen"; do
  ask 200 '"life":"resolved","outcome":"yes"' -H "$admin" -d '{"outcome":"yes"}' "$url/admin/markets/RAIN-TOMORROW/resolve"
  ask 200 '{"ok":true,"error":null}' -H "$admin" "$url/admin/check"
done
ask 413 '' -H "$me" --data-binary @"$PMM_BIN" "$degen/orders"
port=${degen##*:}
run 1 exchange -c "$PMM_SRC/examples/exchange.yaml" --set serve.0.port="$port" --set serve.1.port=0 --set serve.2.port=0
says err "exchange"
ends INT
grep -qF -e "$PMM_EXCHANGE_ADMIN_TOKEN" -e "$DEGEN_EXCHANGE_SECRET" "$tmp/where" "$tmp/notices" "$tmp/err" && fail "a secret was printed"

# -- the same in words, ended the other way --
start --verbose
grep -q '^kalshi  *http://127.0.0.1:[0-9]*  ws://127.0.0.1:[0-9]*/trade-api/ws/v2$' "$tmp/where" || fail "where: $(cat "$tmp/where")"
ends TERM
grep -qF -e "$PMM_EXCHANGE_ADMIN_TOKEN" -e "$DEGEN_EXCHANGE_SECRET" "$tmp/where" "$tmp/notices" && fail "a secret was printed"
finish
