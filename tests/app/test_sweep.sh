#!/bin/sh
# pmm sweep as a user runs it: what it refuses, that a kill loses nothing, and that threads, batches and MPI ranks give the same rows.
. "$(dirname "$0")/lib.sh"

for window in 1776323400 1776324600 1776325500; do
  run 0 tape import --format polymarket-books -o "$tmp/$window.tape" "$PMM_SRC/examples/data/btc-updown-5m-$window.jsonl.gz"
done
tape=$tmp/1776325500.tape
config=$PMM_SRC/examples/linear.yaml
spread="--set params.spread_bps=50:400:8"

# -- wrong usage: 2, and nothing written --
run 2 sweep
says err "no tape"
run 2 sweep "$tape"
says err "nothing to sweep"
run 2 sweep "$tape" $spread --nonsense
run 2 sweep "$tape" --set params.spread_bps=50:400
says err "how many values?"
run 2 sweep "$tape" --set params.spread_bsp=50:400:3
says err "did you mean 'spread_bps'?"
run 2 sweep "$tape" --set params.size=1,-5 -o "$tmp/bad.db" --csv "$tmp/bad.csv"
says err "set 1 (params.size=-5)"
run 2 sweep "$tape" $spread --by pnl.totl -o "$tmp/bad.db"
says err "did you mean 'pnl.total'?"
run 2 sweep "$tape" $spread --folds 4
says err "pmm tape cut"
run 2 sweep "$tape" $spread --holdout 1
run 2 sweep "$tape" $spread --holdout x
run 2 sweep "$tape" $spread -j 0
run 2 sweep "$tape" $spread --random 5 --lhs 5
run 2 sweep "$tape" $spread --fresh
says err "--fresh without --output"
run 2 sweep -c "$tmp/nowhere.yaml" "$tape" $spread
says err "nowhere.yaml"
[ -e "$tmp/bad.db" ] || [ -e "$tmp/bad.csv" ] && fail "a refused sweep left files behind"
run 0 sweep --help
says out "usage: pmm sweep"

# -- work that fails: 1 --
run 1 sweep "$tmp/nowhere.tape" $spread
says err "nowhere.tape"
run 1 sweep "$tape" $spread -o "$tmp/no/such/folder.db"
says err "folder.db"
run 1 sweep "$tape" $spread --csv "$tmp/no/such/folder.csv"
run 1 sweep "$tape" --set 'market.only=btc*,nothing*'
says err "set 1 (market.only=nothing*)"
run 1 sweep "$tape" $spread --by sharpe
says err "no set has such a figure"
if [ -c /dev/full ]; then
  run 1 sweep "$tape" $spread --csv /dev/full
  run 1 sweep "$tape" $spread --json /dev/full
fi

# -- one set of a sweep is one backtest --
field() { sed -n "s/^ *\"$2\": *\\(.*[^,]\\),*\$/\\1/p" "$1" | head -n 1 | tr -d '"'; }
column() { awk -F, -v name="$2" -v set="$3" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } $1 == "all" && $2 == set { print $at }' "$1"; }
run 0 sweep -c "$config" --tape "$tape" $spread --csv "$tmp/one.csv" --json "$tmp/one.json"
says out "8 sets over 1 tape, "
[ "$(wc -l < "$tmp/one.csv")" -eq 9 ] || fail "not a heading and eight lines"
for set in 0 3 7; do
  run 0 backtest -c "$config" "$tape" --set "params.spread_bps=$((50 + 50 * set))" --quiet --json "$tmp/single.json"
  for key in state_hash pnl_e6 fills orders; do
    [ "$(field "$tmp/single.json" $key)" = "$(column "$tmp/one.csv" $key $set)" ] || fail "set $set: $key is $(column "$tmp/one.csv" $key $set), alone $(field "$tmp/single.json" $key)"
  done
done
for key in plan best values result walk_forward holdout deflated_sharpe warning; do grep -q "\"$key\":" "$tmp/one.json" || fail "no key $key"; done

# -- 256 sets: however they are worked off, the same rows --
many="--set params.spread_bps=50:400:16 --set params.size=2:9:8 --set latency.order=0,80ms"
three="$tmp/1776323400.tape $tmp/1776324600.tape $tape"
run 0 sweep -c "$config" "$tape" $many -j 1 --batch 16 --csv "$tmp/256.csv" --quiet
[ -s "$tmp/out" ] && fail "--quiet printed something"
[ "$(wc -l < "$tmp/256.csv")" -eq 257 ] || fail "not 256 rows"
run 0 sweep -c "$config" "$tape" $many -j 2 --csv "$tmp/threads.csv" --quiet
cmp -s "$tmp/256.csv" "$tmp/threads.csv" || fail "two threads give other rows"

# -- killed and gone on with --
forward="--folds 1 --holdout 0.3"
run 0 sweep -c "$config" $three $spread $forward -o "$tmp/whole.db" --csv "$tmp/whole.csv"
says out "walk-forward"
says out "hold-out"
PMM_SWEEP_STOP_AFTER=3 "$PMM_BIN" sweep -c "$config" $three $spread $forward -j 2 --batch 2 -o "$tmp/cut.db" --csv "$tmp/cut.csv" >/dev/null 2>&1
[ $? -eq 137 ] || fail "PMM_SWEEP_STOP_AFTER did not kill"
[ -e "$tmp/cut.csv" ] && fail "a killed sweep left a CSV"
run 0 sweep -c "$config" $three $spread $forward -o "$tmp/cut.db" --csv "$tmp/cut.csv"
says out "6 of 16 results were there already"
cmp -s "$tmp/whole.csv" "$tmp/cut.csv" || fail "a sweep that was killed and gone on with gives other rows"
run 0 sweep -c "$config" $three $spread $forward -o "$tmp/cut.db" --csv "$tmp/cut.csv"
says out "16 of 16 results were there already"
cmp -s "$tmp/whole.csv" "$tmp/cut.csv" || fail "a third run gives other rows"
run 1 sweep -c "$config" $three --set params.spread_bps=50:400:9 $forward -o "$tmp/cut.db"
says err "--fresh"
run 0 sweep -c "$config" $three --set params.spread_bps=50:400:9 $forward -o "$tmp/cut.db" --fresh
says out "9 sets"
# The same by an honest kill, at whatever moment it comes after the first commit.
"$PMM_BIN" sweep -c "$config" "$tape" $many -j 1 --batch 1 -o "$tmp/kill.db" --quiet & victim=$!
while kill -0 $victim 2>/dev/null && ! [ -s "$tmp/kill.db-wal" ]; do :; done
kill -9 $victim 2>/dev/null
wait $victim 2>/dev/null
run 0 sweep -c "$config" "$tape" $many -o "$tmp/kill.db" --csv "$tmp/kill.csv"
cmp -s "$tmp/256.csv" "$tmp/kill.csv" || fail "a kill changed rows"

# -- the page --
run 0 sweep -c "$config" "$tape" $spread --set params.size=5,10 --report "$tmp/page.html" --quiet
head -c 200 "$tmp/page.html" | grep -qi '<!doctype html>' || fail "the report is no page"

# -- MPI --
if ! command -v mpirun >/dev/null 2>&1; then
  [ "$failed" -eq 0 ] || finish
  echo "skipped: no mpirun; everything else passed"
  exit 77
fi
# mpi RANKS STATUS ARGS...: OpenMPI itself does not free everything, so that leaks are not looked for here.
mpi() {
  ranks=$1 want=$2; shift 2
  ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" OMPI_MCA_btl_vader_single_copy_mechanism=none \
    mpirun -n "$ranks" --allow-run-as-root --oversubscribe "$PMM_BIN" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
  got=$?
  [ "$got" -eq "$want" ] || fail "mpirun -n $ranks pmm $*: exit $got, not $want: $(head -c 600 "$tmp/err")"
}
mpi 2 0 sweep -c "$config" "$tape" $many --mpi --csv "$tmp/mpi.csv" --quiet
cmp -s "$tmp/256.csv" "$tmp/mpi.csv" || fail "two ranks give other rows"
mpi 3 0 sweep -c "$config" $three $spread $forward --mpi -j 2 --batch 1 -o "$tmp/mpi.db" --csv "$tmp/mpi.csv"
cmp -s "$tmp/whole.csv" "$tmp/mpi.csv" || fail "three ranks give other rows"
[ "$(grep -c 'walk-forward' "$tmp/out")" -eq 1 ] || fail "not one rank alone speaks"
mpi 1 0 sweep -c "$config" $three $spread $forward --mpi -o "$tmp/mpi.db"
says out "16 of 16 results were there already"
mpi 2 1 sweep -c "$config" "$tape" --set 'market.only=btc*,nothing*' --batch 1 --mpi
says err "set 1 (market.only=nothing*)"
mpi 2 2 sweep -c "$config" "$tape" --set params.size=1,-5 --mpi
[ "$(grep -c 'set 1 (params.size=-5)' "$tmp/err")" -eq 1 ] || fail "not said once: $(cat "$tmp/err")"

finish
