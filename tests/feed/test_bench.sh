# The benchmark of price feeds runs on little input and reads the same as ever. The figures are not looked at.
set -eu
bench="$PMM_BUILD/bench/bench_feed"
[ -x "$bench" ] || { echo "skipped: $bench is not built"; exit 77; }
got=$("$bench" 2000 | sed -n 's/.*"what":"\([a-z]*\)","kind":"\([a-z_0-9A-Z]*\).*"hash":"\([0-9a-f]*\)".*/\1 \2 \3/p')
want="decode binance 279849da2f5f056b
decode binance 279849da2f5f056b
decode coinbase 83d227500a099a50
decode coinbase_advanced 593773520bddd554
decode rtds a6acfcf416bbf164
decode polybolt bcee9afc45b8c021
decode kalshi_index 293ac95be8732511
merge tick b7908f6b6ebd4949"
[ "$got" = "$want" ] || { printf 'got:\n%s\nwant:\n%s\n' "$got" "$want"; exit 1; }
if "$bench" 0 2>/dev/null; then echo "bench_feed 0 should be refused"; exit 1; fi
