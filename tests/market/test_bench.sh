# The benchmark still runs and still computes the same books. The figures are not looked at.
set -eu
bench="$PMM_BUILD/bench/bench_ladder"
[ -x "$bench" ] || { echo "skipped: $bench is not built"; exit 77; }
got=$("$bench" 20000 | sed 's/.*"ticks":\([0-9]*\).*"hash":"\(0x[0-9a-f]*\)".*/\1 \2/')
want="100 0xfc4a6da88c8e0ff8
1000 0x7106c57ac453d328
10000 0x49f98c28d605e27f"
[ "$got" = "$want" ] || { printf 'got:\n%s\nwant:\n%s\n' "$got" "$want"; exit 1; }
if "$bench" 0 2>/dev/null; then echo "bench_ladder 0 should be refused"; exit 1; fi
