#!/bin/sh
# Runs that fail in every way: wrong keys, refusals, faults, an exchange that dies, certificates that must be refused, a crash. Afterwards every secret that was
# used, and every token and signature made of one, is looked for in all that was written, and in what the system shows of the process.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_live.sh"
ulimit -c unlimited 2>/dev/null # the program must not leave a core even where it could
mkdir "$tmp/work" "$tmp/hidden" "$tmp/hidden/wire" && chmod 700 "$tmp/hidden" && cd "$tmp/work" || exit 1

# A relay that keeps what passes, so that secrets made on the way (tokens, signatures, Polymarket's derived key) are known to the search.
cat >"$tmp/hidden/relay.js" <<'END'
const net = require('net'), fs = require('fs');
const [to, file] = process.argv.slice(2);
const server = net.createServer(near => {
  const far = net.connect(Number(to), '127.0.0.1');
  for (const [a, b] of [[near, far], [far, near]]) {
    a.on('data', bytes => fs.appendFileSync(file, bytes));
    a.pipe(b); a.on('error', () => b.destroy()); a.on('close', () => b.destroy());
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
END
# relays PREFIX: one before each dialect, which keeps what passes in a file of that prefix
relays() {
  for d in $dialects; do
    url=$(url_of "$d")
    background "relay-$d" node "$tmp/hidden/relay.js" "${url##*:}" "$tmp/hidden/wire/$1$d"
    until_ms 10000 has_lines "$tmp/relay-$d.out" 1 || fail "no relay"
    live_config "$d" "$d" me RAIN "http://127.0.0.1:$(cat "$tmp/relay-$d.out")"
    sed -i "s|secrets: [^}]*|secrets: \"\"|" "$tmp/$d.yaml"
  done
}
secrets_of me 1
mv "$tmp/secrets-me" "$tmp/key.pem" "$tmp/hidden" && ln -s hidden/key.pem "$tmp/key.pem"
exchange_config "{id: RAIN, event: RAIN-EV, duration: 6h}" "$busy" "$(member me 1)"
exchange --verbose
relays ''

clob_key='' clob_secret='' clob_pass=''
keys() {
  "$@"
}
keys() { # the environment as arguments of env, one a line
  printf '%s\n' "KALSHI_API_KEY_ID=${id:-key-of-me}" "KALSHI_PRIVATE_KEY_PATH=${pem:-$tmp/hidden/key.pem}" "PK=${pk:-$wallet_key_1}" DEGEN_API_KEY=me \
    "DEGEN_WALLET_KEY=${degen:-$degen_secret}" "CLOB_API_KEY=$clob_key" "CLOB_SECRET=$clob_secret" "CLOB_PASS_PHRASE=$clob_pass"
}
# live_with NAME DIALECT ARGS...: in the background, the keys in its environment, of which a test may have set one wrong before.
live_with() {
  name=$1 d=$2; shift 2
  background "$name" env $(keys) "$PMM_BIN" live -c "$tmp/$d.yaml" --set "live.state=$tmp/state-$name" --json --log "$tmp/$name.log" --record "$tmp/tapes-$name" "$@"
}
log_waits() { until_ms "${3:-20}000" has_text "$tmp/$1.log" "$2" || fail "$1 never logs '$2': $(tail -c 600 "$tmp/$1.log" "$tmp/$1.err")"; }

# -- what goes wrong while it runs: every fault on; what the system shows meanwhile; a crash; an exchange that dies --
for d in $dialects; do live_with "good-$d" "$d"; eval "pid_$d=\$pid"; done
for d in $dialects; do
  log_waits "good-$d" '"code":"ready"'
  until_ms 20000 is_resting "$d" me || fail "$d: no order"
  curl -s -m 10 -H "Authorization: Bearer $admin_token" "$(url_of "$d")/admin/faults" >/dev/null \
    -d '{"error_5xx":0.1,"error_5xx_after":0.05,"drop_answer":0.05,"rate_limited":0.05,"restart_425":0.05,"disconnect_rate":0.3,"lose":0.05,"duplicate":0.05}'
done
sleep 3
mkdir "$tmp/seen"
for d in $dialects; do
  eval "p=\$pid_$d"
  [ -n "$p" ] || fail "$d: it is not running: $(tail -c 600 "$tmp/good-$d.log" "$tmp/good-$d.err")"
  for what in environ cmdline; do cat "/proc/$p/$what" >"$tmp/seen/$what-$d" 2>/dev/null; done # where it cannot be read, all the better
  [ -s "$tmp/seen/cmdline-$d" ] || fail "$d: no command line"
  [ "$(sed -n 's/^Max core file size *\([^ ]*\).*/\1/p' "/proc/$p/limits")" = 0 ] || fail "$d: it could leave a core: $(grep core "/proc/$p/limits")"
done
eval "p=\$pid_kalshi"
kill -SEGV "$p"
wait "$p"
[ $? -ne 0 ] || fail "it outlived SIGSEGV" # 139, or 1 where a sanitizer reports it first
find "$tmp/work" "$tmp" -maxdepth 1 -name 'core*' -type f | grep . && fail "a core was left"
kill -9 "$exchange_pid"
log_waits good-degen disconnected
log_waits good-polymarket disconnected
for d in polymarket degen; do # 1 where an order was known to rest, else 0: nobody is there to be asked
  eval "p=\$pid_$d"
  kill -INT "$p"
  wait "$p"
  got=$?
  [ "$got" -le 1 ] || fail "good-$d: status $got when the exchange is gone: $(tail -c 600 "$tmp/good-$d.err")"
done

# -- keys that are wrong --
exchange --verbose
relays wrong-
openssl genrsa -out "$tmp/hidden/other.pem" 2048 2>/dev/null
other_degen=degen-other-$(openssl rand -hex 16)
clob_made=$(openssl rand -base64 32 | tr '+/' '-_') pass_made=pass-$(openssl rand -hex 16)
pem=$tmp/hidden/other.pem live_with wrong-key kalshi
wrong_key=$pid
id=nobody live_with wrong-id kalshi
wrong_id=$pid
degen=$other_degen live_with wrong-secret degen
wrong_secret=$pid
pk=$wallet_key_2 live_with wrong-wallet polymarket
wrong_wallet=$pid
clob_key=11111111-2222-3333-4444-555555555555 clob_secret=$clob_made clob_pass=$pass_made live_with wrong-clob polymarket
wrong_clob=$pid
sleep 3
for name in wrong_key wrong_id wrong_secret wrong_wallet wrong_clob; do
  file=$(echo "$name" | tr _ -)
  eval "p=\$$name"
  grep -q '"code":"ready"' "$tmp/$file.log" && fail "$file: ready with a wrong key"
  grep -qE '"severity":"(warn|alert)"' "$tmp/$file.log" || fail "$file: it says nothing of it: $(tail -c 300 "$tmp/$file.log" "$tmp/$file.err")"
  kill -INT "$p" 2>/dev/null
done
for name in $wrong_key $wrong_id $wrong_secret $wrong_wallet $wrong_clob; do wait "$name"; done
for d in $dialects; do is_empty "$d" me || fail "$d: an order with a wrong key"; done

# -- keys that are none: refused at once, not repeated --
no_key=not-a-key-$(openssl rand -hex 16)
echo "$no_key" >"$tmp/hidden/none.pem"
none() { timeout 20 env $(keys) "$PMM_BIN" live -c "$tmp/$1.yaml" --json --set "live.state=$tmp/state-none" >"$tmp/none-$2.out" 2>"$tmp/none-$2.err"; [ $? -eq 2 ] || fail "$2: not 2: $(cat "$tmp/none-$2.err")"; }
pem=$tmp/hidden/none.pem none kalshi pem
pk=$no_key none polymarket pk
clob_key=$no_key none polymarket clob
clob_key=k clob_secret="$no_key\"" clob_pass=p none polymarket quote
(umask 077; printf 'PK=%s\n%s\n' "$wallet_key_1" "$no_key" >"$tmp/hidden/lines")
env $(keys) "$PMM_BIN" live -c "$tmp/degen.yaml" --set "live.secrets=$tmp/hidden/lines" >"$tmp/none-lines.out" 2>&1 && fail "a line that is none was taken"

# -- certificates: the good one is taken; expired, signed by nobody, for another host: refused, on REST and on the socket --
cd "$tmp/hidden" || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=test authority" 2>/dev/null
certificate() { # NAME SUBJECT-ALT-NAME: a key and its request
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
  printf 'subjectAltName=%s\n' "$2" >"$1.ext"
}
sign() { n=$1; shift; openssl x509 -req -in "$n.csr" -extfile "$n.ext" -out "$n.crt" -CA ca.pem -CAkey ca.key -CAcreateserial "$@" 2>/dev/null || fail "no certificate $n"; }
certificate good IP:127.0.0.1,DNS:localhost && sign good -days 2
certificate expired IP:127.0.0.1,DNS:localhost && sign expired -days -1
certificate other DNS:exchange.example && sign other -days 2
certificate self IP:127.0.0.1,DNS:localhost
openssl x509 -req -in self.csr -extfile self.ext -out self.crt -signkey self.key -days 2 2>/dev/null
openssl x509 -in expired.crt -noout -checkend 0 >/dev/null && fail "the certificate that should have expired has not"
cd "$tmp/work" || exit 1
sed "s|^serve:.*|serve: [$(for n in good expired other self; do printf '{dialect: degen, cert: %s.crt, key: %s.key}, ' "$tmp/hidden/$n" "$tmp/hidden/$n"; done)]|" "$tmp/exchange.yaml" >"$tmp/tls.yaml"
sed -i 's/, ]/]/' "$tmp/tls.yaml"
background tls env "PMM_EXCHANGE_ADMIN_TOKEN=$admin_token" "DEGEN_EXCHANGE_SECRET=$degen_secret" "$PMM_BIN" exchange -c "$tmp/tls.yaml" --json
until_ms 20000 has_lines "$tmp/tls.out" 4 || fail "no exchange with TLS: $(cat "$tmp/tls.err")"
port_of() { sed -n "$1s/.*\"url\":\"https:\/\/127.0.0.1:\([0-9]*\)\".*/\1/p" "$tmp/tls.out"; }
good=$(port_of 1)
over_tls() { live_with "$1" degen --set "live.ca=$tmp/hidden/ca.pem" --set "venues.0.rest=https://127.0.0.1:$2" --set "venues.0.ws=wss://127.0.0.1:$3"; }
over_tls tls-good "$good" "$good"
tls_good=$pid
log_waits tls-good '"code":"ready"'
ends tls-good "$tls_good" INT 0
n=1
for kind in expired other self; do
  n=$((n + 1))
  over_tls "tls-$kind" "$(port_of $n)" "$(port_of $n)"
  eval "tls_$kind=\$pid"
  over_tls "tls-socket-$kind" "$good" "$(port_of $n)"
  eval "tls_socket_$kind=\$pid"
done
env $(keys) "$PMM_BIN" live -c "$tmp/degen.yaml" --set "live.state=$tmp/state-unknown" --set "venues.0.rest=https://127.0.0.1:$good" --set "venues.0.ws=wss://127.0.0.1:$good" \
  --duration 2 --log "$tmp/tls-unknown.log" >"$tmp/tls-unknown.out" 2>&1 # the authority is trusted only where live.ca names it
[ $? -eq 1 ] || fail "a run that reached nothing ends with 0"
for kind in expired other self unknown; do
  [ "$kind" = unknown ] || log_waits "tls-$kind" certificate
  grep -q '"code":"ready"' "$tmp/tls-$kind.log" && fail "a certificate was taken: $kind"
  grep -q '"code":"markets"' "$tmp/tls-$kind.log" && fail "an answer under a certificate was taken: $kind"
  [ "$kind" = unknown ] && continue
  log_waits "tls-socket-$kind" certificate
  grep -q '"code":"ready"' "$tmp/tls-socket-$kind.log" && fail "a socket's certificate was taken: $kind"
  eval "kill -INT \$tls_$kind \$tls_socket_$kind; wait \$tls_$kind; wait \$tls_socket_$kind"
done

# -- the search --
{
  for k in "$wallet_key_1" "$wallet_key_2"; do echo "${k#0x}"; done
  printf '%s\n' "$degen_secret" "$other_degen" "$admin_token" "$no_key" "$clob_made" "$pass_made"
  cat "$tmp/hidden/key.pem" "$tmp/hidden/other.pem" "$tmp"/hidden/*.key | grep -v -e '-----' | awk 'length >= 32'
  # what was made of them, as it went over the wire
  cat "$tmp"/hidden/wire/* | grep -aioE '(authorization: bearer|kalshi-access-signature:|poly_signature:|poly_passphrase:|poly_api_key:) *[^[:space:]]{16,}' | sed 's/.*[: ]//'
  cat "$tmp"/hidden/wire/* | grep -aoE '"(secret|passphrase|token)":"[^"]{16,}"' | cut -d'"' -f4
} | sort -u >"$tmp/hidden/list"
made=$(grep -c . "$tmp/hidden/list")
for what in '"secret":"' '"passphrase":"' 'KALSHI-ACCESS-SIGNATURE' 'Bearer '; do cat "$tmp"/hidden/wire/* | grep -aqiF -e "$what" || fail "the relay has not seen '$what': the search would miss it"; done
[ "$made" -ge 40 ] || fail "only $made secrets to look for"
for t in "$tmp"/tapes-*/*.tape; do "$PMM_BIN" tape export --format jsonl -o "$t.jsonl" "$t" 2>/dev/null; done
rm -f "$tmp/key.pem"
find "$tmp" -path "$tmp/hidden" -prune -o -type f ! -name exchange.yaml -print >"$tmp/hidden/files"
[ "$(grep -c . "$tmp/hidden/files")" -ge 40 ] || fail "only $(grep -c . "$tmp/hidden/files") files to search"
while read -r file; do
  found=$(grep -aoF -f "$tmp/hidden/list" "$file" | head -1)
  [ -z "$found" ] || fail "a secret is in ${file#"$tmp/"}: $(echo "$found" | cut -c1-6)..."
done <"$tmp/hidden/files"
tr '\0' '\n' <"$tmp/seen/environ-kalshi" | grep -q . || echo "note: the environment of the process cannot be read"
echo "$made secrets, $(grep -c . "$tmp/hidden/files") files"
finish
