#!/bin/sh
# The programs of examples/literature on small samples with fixed seeds: every figure within two standard errors of theory. The full ones, and
# that docs/validation.md shows what they print: `make validate`.
. "$(dirname "$0")/lib.sh"

# example STATUS NAME ARGS...: like run, for an example.
example() {
  want=$1; name=$2; shift 2
  "$PMM_BUILD/examples/$name" "$@" > "$tmp/out" 2> "$tmp/err"
  got=$?
  [ "$got" -eq "$want" ] || fail "$name $*: exit $got, not $want: $(grep FAIL "$tmp/out") $(head -c 300 "$tmp/err")"
}

# The engine rechecks everything after every event in builds with sanitizers: few paths through it.
example 0 avellaneda_stoikov --gamma 0.1 --paths 60 --seed 2 --engine --strict
says out "profit through the engine, symmetric"
says out "  preprint    1.29    62.94      5.89      0.10      2.80"
example 0 avellaneda_stoikov --gamma 0.5 --paths 400 --seed 2 --strict
example 0 avellaneda_stoikov --gamma 0.01 --spread full --paths 400 --seed 2 --strict
example 0 glft --paths 1000 --seed 1 --strict
says out "certainty equivalent of the exact quotes"
example 0 lmsr --paths 300 --strict
example 0 martingale --paths 3000 --seed 3 --strict
example 0 average_digital --paths 3000 --seed 2 --strict

# One line of JSON with the keys that others read; one seed one answer, another seed another.
example 0 avellaneda_stoikov --gamma 0.1 --paths 50 --seed 3 --spread constant --json
[ "$(wc -l < "$tmp/out")" -eq 1 ] || fail "JSON is not one line"
for key in '{"inventory":{"profit":' '"symmetric":{"profit":' '"profit_std":' '"final_q":' '"final_q_std":' '"spread":1.29' '"se":'; do says out "$key"; done
cp "$tmp/out" "$tmp/first"
example 0 avellaneda_stoikov --gamma 0.1 --paths 50 --seed 3 --json
cmp -s "$tmp/out" "$tmp/first" || fail "constant is not the default, or one seed gives two answers"
example 0 avellaneda_stoikov --gamma 0.1 --paths 50 --seed 4 --json
cmp -s "$tmp/out" "$tmp/first" && fail "two seeds give one answer"
for name in glft lmsr martingale average_digital; do
  example 0 "$name" --paths 50 --json
  says out '"checks":['
done

# Mistakes.
example 2 avellaneda_stoikov --gamma none
says err "--gamma: a number from"
example 2 avellaneda_stoikov --spread wide
says err "--spread: constant or full"
example 2 glft --pathz 5
says err "--pathz: unknown option"
example 0 glft --help
says out "usage:"

# Every command that the page shows is one that this build has.
sed -n 's/^\$ build\/examples\/\([a-z_]*\).*/\1/p' "$PMM_SRC/docs/validation.md" | sort -u > "$tmp/shown"
[ "$(wc -l < "$tmp/shown")" -eq 5 ] || fail "docs/validation.md shows other programs: $(cat "$tmp/shown")"
while read -r name; do [ -x "$PMM_BUILD/examples/$name" ] || fail "docs/validation.md shows $name, which is not built"; done < "$tmp/shown"
finish
