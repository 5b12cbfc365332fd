# What `pmm quote` and `pmm price` answer to lines that are wrong, odd or very long.
set -u
: "${PMM_BIN:?names the program}"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# ask COMMAND LINE PATTERN STATUS: one line in; the answer must match and the exit status be as told.
ask() {
  answer=$(printf '%s\n' "$2" | "$PMM_BIN" "$1" 2>"$dir/err"); got=$?
  case "$answer" in
    $3) ;;
    *) echo "pmm $1: $2"; echo "  answered $answer"; echo "  want     $3"; failed=1 ;;
  esac
  if [ "$got" -ne "$4" ]; then echo "pmm $1: $2"; echo "  exit $got, want $4"; failed=1; fi
}

# -- lines that are no question --
ask quote 'nonsense' '{"id":null,"error":"not JSON: *"}' 1
ask quote '[1,2]' '{"id":null,"error":"a line must hold one object"}' 1
ask quote '{"id":"x"' '{"id":null,"error":"not JSON: *"}' 1
ask quote '{"id":"x","id":"y"}' '{"id":null,"error":"not JSON: duplicate*"}' 1
ask quote '{"id":"x","strategy":"linear","params":{"size":NaN}}' '{"id":null,"error":"not JSON: *"}' 1
ask quote '{"id":"x"}' '{"id":"x","error":"strategy: must be given*"}' 1
ask quote '{"id":7,"strategy":"liner"}' '{"id":7,"error":"strategy: no *liner* (known: linear, adaptive, logit, digital, curve, arbitrage*"}' 1
ask quote '{"strategy":"./none.so"}' '{"id":null,"error":"strategy: cannot load ./none.so*"}' 1
ask quote '{"strategy":"linear","boook":{}}' '{"id":null,"error":"boook: unknown*"}' 1

# -- fields that are wrong, each named --
q() { ask quote "{\"id\":\"x\",\"strategy\":\"$1\",$2}" "{\"id\":\"x\",\"error\":\"$3*\"}" 1; }
q linear '"params":{"spread":1}' 'params.spread: unknown (nearest: spread_bps)'
q linear '"params":{"spread_bps":-1}' 'params.spread_bps: -1 is out of range'
q linear '"params":{"spread_bps":"NaN"}' "params.spread_bps: 'NaN' is not a number"
q linear '"params":{"spread_bps":[1]}' 'params.spread_bps: must be a number'
q linear '"params":{"skew":"cubic"}' "params.skew: 'cubic' is not a choice (allowed: linear|logit)"
q linear '"params":{"size":0.0000001}' 'params.size: '
q linear '"params":[]' 'params: must be an object'
q linear '"params":{"preset":"calm"}' "preset: no 'calm' (known: none)"
q adaptive '"params":{"preset":"calm"}' "preset: no 'calm' (known: conservative, aggressive, high_frequency)"
q adaptive '"params":{"preset":3}' 'params.preset: must be a string'
q adaptive '"params":{"min_spread":0.5}' 'params.min_spread: above max_spread'
q linear '"market":{"tick":"0.03"}' 'market.tick: must divide one dollar'
q linear '"market":{"tick":"0"}' 'market.tick: 0 is out of range'
q linear '"market":{"tick":"0.00001"}' 'market.tick: '
q linear '"market":{"lot":-1}' 'market.lot: -1 is out of range'
q linear '"market":{"time_left_s":-5}' 'market.time_left_s: -5 is out of range'
q linear '"market":{"liquidity":"lots"}' "market.liquidity: 'lots' is not a number"
q linear '"market":{"volatility_high":2}' 'market.volatility_high: '
q linear '"market":{"time_left":5}' 'market.time_left: unknown (nearest: time_left_s)'
q linear '"market":7' 'market: must be an object'
q linear '"book":[]' 'book: must be an object'
q linear '"book":{"bid":[]}' 'bid: unknown'
q linear '"book":{"bids":{}}' 'book.bids: must be an array'
q linear '"book":{"bids":[["0.4"]]}' 'book.bids[[]0]: must be [[]price, quantity]'
q linear '"book":{"bids":[["0.4","5"],["0.455","5"]]}' 'book.bids[[]1].price: not a multiple of the tick'
q linear '"book":{"asks":[["1.00","5"]]}' 'book.asks[[]0].price: 1 is out of range'
q linear '"book":{"asks":[["0.5","-5"]]}' 'book.asks[[]0].quantity: -5 is out of range'
q linear '"book":{"asks":[["0.5","5"],["0.50","5"]]}' 'book.asks[[]1].price: given twice'
q linear '"position":{"yes":"-3"}' 'position.yes: -3 is out of range'
q linear '"position":{"yes":"abc"}' "position.yes: 'abc' is not a number"
q linear '"position":{"yes":"1.0000001"}' "position.yes: '1.0000001' has too many decimals"
q digital '"underlying":{"price":0}' 'underlying.price: 0 is out of range'
q digital '"underlying":{"strike":-1}' 'underlying.strike: -1 is out of range'
q digital '"underlying":{"volatility":0}' 'underlying.volatility: 0 is out of range'
q logit '"signals":{"sigma":-1}' 'signals.sigma: -1 is out of range'

# -- questions with little in them are answered --
ask quote '{"strategy":"linear"}' '{"id":null,"action":"quote","fair":0.5,"bids":[[][[]"0.4900","10"]],"asks":[[][[]"0.5100","10"]],*' 0
ask quote '{"id":"a","strategy":"logit"}' '{"id":"a","action":"quote"*"diagnostics":{"qhat":0.0,"gamma":1.0*' 0
ask quote '{"id":"a","strategy":"digital"}' '{"id":"a","action":"pause","fair":null*"why":"no price of the underlying"*' 0
ask quote '{"id":"a","strategy":"adaptive","params":{"preset":"conservative","quote_size":"7"}}' '*"bids":[[][[]"0.4600","7"]]*"spread":0.08*' 0
ask quote '{"id":"a","strategy":"linear","book":{"bids":[[0.41,3]],"asks":[[0.43,"0"],["0.45",3.5]]}}' '*"fair":0.42999999999999999*' 0

# -- a bad line between good ones: the run goes on, each line is answered in order --
printf '%s\n' '{"id":1,"strategy":"linear"}' '' 'bad' '{"id":2,"strategy":"linear"}' | "$PMM_BIN" quote > "$dir/out" 2>/dev/null
[ $? -eq 1 ] || { echo "a bad line between good ones must give exit status 1"; failed=1; }
[ "$(sed 's/,.*//' "$dir/out" | tr '\n' ' ')" = '{"id":1 {"id":null {"id":2 ' ] || { echo "answers out of order:"; cat "$dir/out"; failed=1; }
printf '' | "$PMM_BIN" quote || { echo "no question is no error"; failed=1; }
printf '{"id":1,"strategy":"linear"}' | "$PMM_BIN" quote | grep -q '"id":1' || { echo "a last line without its end was not answered"; failed=1; }

# -- a line of megabytes --
{ printf '{"id":"long","model":"volatility","dt_s":1,"prices":['; i=0; awk 'BEGIN { for (i = 0; i < 300000; i++) printf "%s", (i % 2) ? "100.25," : "100.125," }'; printf '100]}\n'; } > "$dir/long"
"$PMM_BIN" price < "$dir/long" | grep -q '"id":"long","sigma":' || { echo "a long line was not answered"; failed=1; }

# -- models --
p() { ask price "{\"id\":\"x\",$1}" "{\"id\":\"x\",$2}" "$3"; }
p '"model":"lmrs"' '"error":"model: no *lmrs* (nearest: lmsr)"' 1
p '"nothing":1' '"error":"model: must be given as a string"' 1
p '"model":"lmsr","b":0,"q":[1,2]' '"error":"b: 0 is out of range*"' 1
p '"model":"lmsr","q":[1,2]' '"error":"b: must be given for model lmsr"' 1
p '"model":"lmsr","b":1' '"error":"q: must be given for model lmsr"' 1
p '"model":"lmsr","b":1,"q":7' '"error":"q: must be an array of numbers"' 1
p '"model":"lmsr","b":1,"q":[1,"x"]' '"error":"q[[]1]: *"' 1
p '"model":"lmsr","b":1,"q":[1]' '"error":"q: with these inputs*"' 1
p '"model":"lmsr","b":1,"q":[1,2],"c":3' '"error":"c: unknown for model lmsr"' 1
p '"model":"lmsr_to_price","b":1,"q":[1,2,3],"target":0.5' '"error":"q: with these inputs*"' 1
p '"model":"lmsr_to_price","b":1,"q":[1,2],"target":1' '"error":"target: 1 is out of range*"' 1
p '"model":"cpmm_buy","r_yes":1,"r_no":1,"outcome":"maybe","spend":1' '"error":"outcome: *maybe* is not a choice*"' 1
p '"model":"digital","spot":-1,"strike":1,"time_s":1,"volatility":1' '"error":"spot: -1 is out of range*"' 1
p '"model":"digital_average","spot":1,"strike":1,"time_s":1,"volatility":1,"window_s":60' '"error":"spot: with these inputs*"' 1
p '"model":"consensus","p":[0.5],"w":[1,2]' '"error":"p: with these inputs*"' 1
p '"model":"consensus","p":[0.5,1.5],"w":[1,2]' '"error":"p: with these inputs*"' 1
p '"model":"volatility","prices":[1,2,3],"dt_s":1' '"error":"prices: at least 21 are needed"' 1
p '"model":"consensus_variance","p":[0.2,0.8],"variance":[1,1]' '"p":0.5' 0
p '"model":"consensus_variance","p":[0.2,0.8],"variance":[1,0]' '"error":"p: *"' 1
p '"model":"consensus_variance","p":[0.2,0.8],"variance":[1]' '"error":"p: *"' 1
p '"model":"cpmm","r_yes":300,"r_no":100' '"p_yes":0.25' 0
p '"model":"lmsr_worst_loss","n":2,"b":100' '"loss":69.314718055994*' 0
p '"model":"two_quote_mid","yes":0.55,"no":0.47' '"p":0.54*' 0
p '"model":"skew_linear","mid":0.5,"alpha":0.01,"q":30' '"p":0.20*' 0
p '"model":"skew_logit","mid":0.5,"alpha":0,"q":30' '"p":0.5' 0
p '"model":"digital","spot":1,"strike":1,"time_s":0,"volatility":1,"tie_is_yes":true' '"p":1.0' 0
p '"model":"digital","spot":2,"strike":1,"time_s":1,"volatility":0.5,"clamp_hi":1' '*"p":1.0' 0

# -- usage --
for command in quote price; do
  "$PMM_BIN" $command --help | grep -q "usage: pmm $command" || { echo "pmm $command --help"; failed=1; }
  "$PMM_BIN" $command --nonsense < /dev/null > /dev/null 2>&1; [ $? -eq 2 ] || { echo "pmm $command --nonsense must give 2"; failed=1; }
  "$PMM_BIN" $command file < /dev/null > /dev/null 2>&1; [ $? -eq 2 ] || { echo "pmm $command file must give 2"; failed=1; }
done
if [ -e /dev/full ]; then
  echo '{"strategy":"linear"}' | "$PMM_BIN" quote > /dev/full 2>/dev/null; [ $? -eq 1 ] || { echo "a full disk must give 1"; failed=1; }
fi
exit $failed
