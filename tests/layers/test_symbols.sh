#!/bin/sh
# No two folders may define one symbol: static libraries hide it until somebody needs both.
set -u
cd "${PMM_BUILD:?}" || exit 1
command -v nm > /dev/null || exit 77
count=$(ls libpmm_*.a | wc -l)
[ "$count" -gt 10 ] || { echo "only $count libraries in $PMM_BUILD"; exit 1; }
found=$(nm -A --defined-only libpmm_*.a 2> /dev/null | awk 'NF >= 3 && $(NF - 1) ~ /^[TDBR]$/ {split($1, part, ":"); print $NF, part[1]}' | sort -u | awk '{if ($1 == last) print $1, where, $2; last = $1; where = $2}')
[ -z "$found" ] && exit 0
echo "defined in more than one folder:"
printf '%s\n' "$found"
exit 1
