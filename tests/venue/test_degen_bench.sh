# The benchmark of Degen's wire runs on little input and reads and writes the same as ever. The figures are not looked at.
set -eu
bench="$PMM_BUILD/bench/bench_degen"
[ -x "$bench" ] || { echo "skipped: $bench is not built"; exit 77; }
got=$("$bench" 3000 | sed -n 's/.*"kind":"\([a-z_0-9]*\)".*"hash":"\(0x[0-9a-f]*\)".*/\1 \2/p')
want="delta 0x0256eb2c276178f7
delta_5 0x40f7d7201d08c989
snapshot_20 0x7e0604d70601c11a
trade 0x30b4645423f020b9
order 0x30b4645423f020b9
fill 0x0ce47ce71cf23b19
answer 0x0ce47ce71cf23b19
place 0x35d10a596f2b4a0f
cancel 0x7184b4ae046a250d
token 0x94ae9df671c7b548"
[ "$got" = "$want" ] || { printf 'got:\n%s\nwant:\n%s\n' "$got" "$want"; exit 1; }
if "$bench" 0 2>/dev/null; then echo "bench_degen 0 should be refused"; exit 1; fi
