#!/bin/sh
# Makes the rows of the standing workloads (bench/README.md). usage: bench/data.sh [ROWS [SEED [MARKETS [ROWS_EACH]]]]
# Into BENCH_DATA (default build/bench-data): w1.csv, and w4/01.csv ... each of its own seed. What is there already, of the
# same size, stays. Needs python3 with numpy: that of `make bench-peers` when it is there.
set -eu
cd "$(dirname "$0")/.."
rows=${1:-2000000} seed=${2:-7} markets=${3:-86} each=${4:-100000}
out=${BENCH_DATA:-build/bench-data}
python=bench/peers/.venv/bin/python
[ -x $python ] || python=python3
$python -c 'import numpy' 2>/dev/null || { echo "bench/data.sh: python3 has no numpy: make bench-peers, or apt-get install python3-numpy" >&2; exit 2; }

make_rows() { # ROWS SEED FILE
  stamp="$1 $2"
  [ "$(cat "$3.made" 2>/dev/null)" = "$stamp" ] && [ -s "$3" ] && return 0
  rm -f "$3.made"
  $python bench/w1.py "$1" "$2" "$3.part"
  mv "$3.part" "$3"
  echo "$stamp" >"$3.made"
}

mkdir -p "$out/w4"
make_rows "$rows" "$seed" "$out/w1.csv"
m=1
while [ "$m" -le "$markets" ]; do
  make_rows "$each" "$m" "$out/w4/$(printf %02d "$m").csv"
  m=$((m + 1))
done
# A folder is a workload: files of an earlier, larger one would be read along.
for f in "$out"/w4/*.csv; do
  n=$(basename "$f" .csv)
  [ "${n#0}" -le "$markets" ] || rm -f "$f" "$f.made"
done
echo "$out: w1.csv ($rows rows, seed $seed), w4/ ($markets markets of $each rows)"
