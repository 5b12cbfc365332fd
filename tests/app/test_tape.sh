#!/bin/sh
# pmm tape: import, info, verify, export; their errors; damaged tapes and full disks.
. "$(dirname "$0")/lib.sh"
cd "$PMM_SRC" || exit 1
book=examples/data/btc-updown-5m-1776323400.jsonl.gz
kalshi=tests/fixtures/kalshi

# -- import, each format
run 0 tape import --format polymarket-books -o "$tmp/b.tape" "$book"
says out "2364 messages"
run 0 tape import -f kalshi-ws --json "$kalshi"/one.*.ndjson -o "$tmp/k.tape" "$kalshi"/two.*.ndjson
says out '"messages":23,"lines":30,"trades":3,"inferred":3,"gaps":4,"skipped":9,"clamped":0}'
run 0 tape import --format kalshi-ws --no-inferred-trades -o "$tmp/k2.tape" "$kalshi"/*.ndjson
says out "0 trades (0 inferred)"
run 0 tape import --format polymarket-ws -o "$tmp/w.tape" tests/fixtures/polymarket.market-ws.jsonl tests/fixtures/polymarket.markets.json
run 0 tape import --format polymarket-multifeed -o "$tmp/m.tape" tests/fixtures/multifeed.json
run 0 tape verify "$tmp"/?.tape
says out "$tmp/k.tape: sound: 45 records"
[ "$(wc -l <"$tmp/out")" -eq 4 ] || fail "verify of four tapes does not print four lines"

# -- outcomes
run 0 tape import --format polymarket-books --outcome no -o "$tmp/n.tape" "$book"
run 0 tape info --json "$tmp/n.tape"
says out '"outcome":"no"'
printf 'market,outcome\nbtc-updown-5m-1776323400,void\n' >"$tmp/outcomes.csv"
run 0 tape import --format polymarket-books --outcome no --outcomes "$tmp/outcomes.csv" -o "$tmp/n.tape" "$book"
run 0 tape info --json "$tmp/n.tape"
says out '"outcome":"void"'

# -- info
run 0 tape info "$tmp/k.tape"
says out "KXBTC15M-30MAR171345-45"
says out "strike 70001.25"
says out "underlying BTC-USD from coinbase"
says out '"made_by":"pmm tape import"'
run 0 tape info --json "$tmp/k.tape"
says out '"records":45'
says out '"truncated":false'
says out '"underlyings":[{"id":"BTC-USD","source":"coinbase","kind":0}]'

# -- export
run 0 tape export --format csv "$tmp/k.tape"
says out "recv_ns,exch_ns,market,seq,kind,side,price,qty,flags,detail"
[ "$(wc -l <"$tmp/out")" -eq 46 ] || fail "export: $(wc -l <"$tmp/out") lines, not 46"
run 0 tape export --format jsonl --market KXBTC15M-30MAR171400-00 -o "$tmp/x.jsonl" "$tmp/k.tape"
[ "$(grep -c '"market":"KXBTC15M-30MAR171400-00"' "$tmp/x.jsonl")" -eq 18 ] || fail "export --market: not 18 records"
run 1 tape export --format csv --market NONE "$tmp/k.tape"
says err "market NONE: not on this tape"
run 2 tape export --format xml "$tmp/k.tape"
run 1 tape export --format csv -o "$tmp/no/such/file" "$tmp/k.tape"
if [ -c /dev/full ]; then
  "$PMM_BIN" tape export --format csv "$tmp/k.tape" >/dev/full 2>"$tmp/err"
  [ $? -eq 1 ] || fail "export to a full disk does not exit 1"
  says err "No space left on device"
fi

# -- wrong usage: status 2, nothing made
rm -f "$tmp/u.tape"
run 2 tape
run 2 tape glue
says err "not one of import, info, verify, stats, cut, merge, export"
run 2 tape import -o "$tmp/u.tape" "$book"
says err "needs --format"
run 2 tape import --format polymarket-books "$book"
says err "needs -o"
run 2 tape import --format polymarket-books -o "$tmp/u.tape"
says err "needs files"
run 2 tape import --format pcap -o "$tmp/u.tape" "$book"
says err "format pcap: not one of kalshi-ws"
run 2 tape import --format polymarket-books --outcome perhaps -o "$tmp/u.tape" "$book"
run 2 tape info
run 2 tape info "$tmp/k.tape" "$tmp/b.tape"
run 2 tape verify
run 2 tape export "$tmp/k.tape"
run 2 tape info --market A "$tmp/k.tape"
says err "tape info does not take"
run 2 tape import --no-such-option
[ -e "$tmp/u.tape" ] && fail "wrong usage made a tape"

# -- work that fails: status 1, nothing under the final name, nothing beside it
run 1 tape import --format polymarket-books -o "$tmp/f.tape" "$tmp/missing.gz"
says err "missing.gz: No such file or directory"
run 1 tape import --format kalshi-ws -o "$tmp/f.tape" "$book"
says err "$book:1: byte 1: local_recv_ns is missing"
gunzip -c "$book" | head -n 3 >"$tmp/three.jsonl"
printf '{"timestamp":17763' >>"$tmp/three.jsonl"
run 1 tape import --format polymarket-books -o "$tmp/f.tape" "$tmp/three.jsonl"
says err "three.jsonl:4: byte"
head -c 5000 "$book" >"$tmp/cut.gz"
run 1 tape import --format polymarket-books -o "$tmp/f.tape" "$tmp/cut.gz"
says err "gzip data end early"
run 1 tape import --format polymarket-books -o "$tmp/no/such/f.tape" "$book"
(ulimit -f 20; exec "$PMM_BIN" tape import --format polymarket-books -o "$tmp/f.tape" "$book" >"$tmp/out" 2>"$tmp/err")
[ $? -eq 1 ] || fail "import onto a full disk does not exit 1"
says err "f.tape.tmp: write: File too large"
[ -e "$tmp/f.tape" ] || [ -e "$tmp/f.tape.tmp" ] && fail "a failed import left a file"

# -- an import that was killed leaves a temporary file, which the next one replaces
echo rubbish >"$tmp/l.tape.tmp"
head -n 3 "$tmp/three.jsonl" >"$tmp/three"
run 0 tape import --format polymarket-books -o "$tmp/l.tape" "$tmp/three"
[ -e "$tmp/l.tape.tmp" ] && fail "the leftover is still there"

# -- damage
run 1 tape verify "$tmp/missing.tape"
run 1 tape verify "$book"
says err "not a tape"
size=$(wc -c <"$tmp/b.tape")
head -c $((size - 10)) "$tmp/b.tape" >"$tmp/c.tape"
run 1 tape verify "$tmp/c.tape"
says err "cut off"
run 0 tape info "$tmp/c.tape"
says out "cut off: no trailer"
{ head -c 1000 "$tmp/b.tape"; printf 'x'; tail -c +1002 "$tmp/b.tape"; } >"$tmp/d.tape"
run 1 tape verify --json "$tmp/d.tape" "$tmp/b.tape"
says err "d.tape: byte"
says out '"sound":false'
says out '"sound":true'
finish
