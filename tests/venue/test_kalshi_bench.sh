# The benchmark of Kalshi's wire runs on little input and reads the same as ever. The figures are not looked at.
set -eu
bench="$PMM_BUILD/bench/bench_kalshi"
[ -x "$bench" ] || { echo "skipped: $bench is not built"; exit 77; }
got=$("$bench" 3000 | sed -n 's/.*"kind":"\([a-z_0-9]*\)".*"hash":"\(0x[0-9a-f]*\)".*/\1 \2/p')
want="delta 0xfb6524ad21033252
snapshot 0x2443722ce0092d44
trade 0x4df3e5d28fdcb006
ticker 0xef58ab499d55f587
fill 0x6847a81c48772dc0
user_order 0xd46f41d895564826
market_position 0x628a8f723cc78910
lifecycle 0x79af855724e7736f
index 0xcca280f25860b13d
create 0x0baebadac6f4592a
rsa2048 0xf2ba0c75c8aedfbb
ed25519 0x6a0b51f760b45912
prepared 0xd7ceaa8ffa1b3d42"
[ "$got" = "$want" ] || { printf 'got:\n%s\nwant:\n%s\n' "$got" "$want"; exit 1; }
if "$bench" 0 2>/dev/null; then echo "bench_kalshi 0 should be refused"; exit 1; fi
