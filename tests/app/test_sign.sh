# pmm sign: the venues' vectors through the program, and lines, keys and arguments that are wrong.
set -u
. "$(dirname "$0")/lib.sh"
vectors=$PMM_SRC/tests/vectors/polymarket_vectors.json
hardhat=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80 # the public development key of the vectors

# sign STATUS VENUE: signs $tmp/in.
sign() {
  want=$1; shift
  "$PMM_BIN" sign "$@" <"$tmp/in" >"$tmp/out" 2>"$tmp/err"
  got=$?
  [ "$got" -eq "$want" ] || fail "pmm sign $*: exit $got, not $want: $(head -c 300 "$tmp/err")"
}

# -- every order of the vectors, from its input alone (and exact amounts where the input names none) --
PK=$hardhat; export PK
jq -c '.orders[] | {id, kind, version, chain_id, input: (if .kind == "v3amounts" then .input + (.message | {makerAmount, takerAmount}) else .input end)}' "$vectors" >"$tmp/in"
jq -c '.orders[] | {id, message, digest, signature}' "$vectors" >"$tmp/want"
sign 0 polymarket
[ "$(wc -l <"$tmp/out")" -eq 19 ] || fail "not every order was signed"
cmp -s "$tmp/out" "$tmp/want" || fail "signatures differ from the vectors: $(diff "$tmp/out" "$tmp/want" | head -c 600)"

# -- without a salt every order is another one --
echo '{"kind":"limit","input":{"tokenID":"1","side":"BUY","price":"0.5","size":"5","tick_size":"0.01"}}' >"$tmp/in"
sign 0 polymarket; cp "$tmp/out" "$tmp/first"
sign 0 polymarket
cmp -s "$tmp/out" "$tmp/first" && fail "two orders without fixed_salt are the same"

# -- bad lines: named on stderr, the rest is answered --
cat >"$tmp/in" <<'LINES'
{"id":"a","kind":"limit","input":{"tokenID":"1","side":"BUY","price":"0.5","size":"5","tick_size":"0.01"}}

nonsense
[1]
{"id":"b","kind":"limit","input":{"tokenID":"x","side":"BUY","price":"0.5","size":"5","tick_size":"0.01"}}
{"id":"b","kind":"limit","input":{"tokenID":"1","side":"buy","price":"0.5","size":"5","tick_size":"0.01"}}
{"id":"b","kind":"limit","input":{"tokenID":"1","side":"BUY","price":"0.999","size":"5","tick_size":"0.01"}}
{"id":"b","kind":"limit","input":{"tokenID":"1","side":"BUY","price":"0.5","size":"5","tick_size":"0.02"}}
{"id":"b","kind":"limit","version":9,"input":{"tokenID":"1","side":"BUY","price":"0.5","size":"5","tick_size":"0.01"}}
{"id":"b","kind":"limit","chain_id":1,"input":{"tokenID":"1","side":"BUY","price":"0.5","size":"5","tick_size":"0.01"}}
{"id":"b","kind":"limit","input":{"tokenID":"1","side":"BUY","price":"0.5","size":"5","tick_size":"0.01","signature_type":2}}
{"id":"b","kind":"limit","input":{"tokenID":"1","side":"BUY","price":"0.5","size":"5","tick_size":"0.01","fixed_salt":"9007199254740992"}}
{"id":"b","kind":"swap","input":{"tokenID":"1","side":"BUY"}}
{"id":"b","kind":"v3amounts","input":{"tokenID":"1","side":"BUY"}}
{"id":"b"}
{"id":"c","kind":"market","input":{"tokenID":"1","side":"SELL","price":0.5,"amount":5,"tick_size":"0.01"}}
LINES
sign 1 polymarket
[ "$(jq -r .id "$tmp/out" | tr '\n' ' ')" = "a c " ] || fail "the good lines were not answered: $(cat "$tmp/out")"
for n in 3 4 5 6 7 8 9 10 11 12 13 14 15; do says err "pmm: line $n: "; done
grep -q 'line 1:\|line 2:\|line 16:' "$tmp/err" && fail "a good line was refused: $(cat "$tmp/err")"

# -- keys --
: >"$tmp/in"
PK=12; sign 1 polymarket; says err "64 hex digits"
PK=; sign 1 polymarket; says err "PK"
PK=0000000000000000000000000000000000000000000000000000000000000000; sign 1 polymarket; says err "secp256k1"
grep -q 00000000 "$tmp/err" && fail "the key stands in a message"
unset PK; sign 1 polymarket

# -- Kalshi: the signature verifies, and is over the text --
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$tmp/key.pem" 2>/dev/null || fail "openssl genpkey"
openssl pkey -in "$tmp/key.pem" -pubout -out "$tmp/pub.pem" 2>/dev/null
echo '{"id":"k","timestamp":"1700000000000","method":"GET","path":"/trade-api/v2/portfolio/balance?x=1"}' >"$tmp/in"
KALSHI_PRIVATE_KEY_PATH=$tmp/key.pem; export KALSHI_PRIVATE_KEY_PATH
sign 0 kalshi
jq -j .message "$tmp/out" >"$tmp/text"
[ "$(cat "$tmp/text")" = "1700000000000GET/trade-api/v2/portfolio/balance" ] || fail "signed text: $(cat "$tmp/text")"
jq -r .signature "$tmp/out" | base64 -d >"$tmp/sig"
openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify "$tmp/pub.pem" -signature "$tmp/sig" "$tmp/text" >/dev/null 2>&1 ||
  fail "the Kalshi signature does not verify"
echo '{"method":"GET","path":"/x"}' >"$tmp/in"; sign 1 kalshi; says err "line 1: timestamp"
echo '{"timestamp":1,"path":"/x"}' >"$tmp/in"; sign 1 kalshi; says err "line 1: method"
KALSHI_PRIVATE_KEY_PATH=$tmp/none.pem; sign 1 kalshi; says err "none.pem"
KALSHI_PRIVATE_KEY_PATH=$tmp/pub.pem; sign 1 kalshi
unset KALSHI_PRIVATE_KEY_PATH; sign 1 kalshi; says err "KALSHI_PRIVATE_KEY_PATH"

# -- usage --
sign 2
sign 2 degen; says err "known: polymarket, kalshi"
sign 2 polymarket kalshi
run 0 sign --help; says out "usage: pmm sign"
finish
