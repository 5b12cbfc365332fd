#!/bin/sh
# Reads the #include lines of src/ and include/pmm/ and fails on any that points from a folder to one below it on the
# map (docs/architecture.md), on a public header without a layer, and on an include that reaches beside src/.
# Usage: test_layers.sh [ROOT]. Without ROOT it checks this repository, then that a broken copy would fail.
set -u

check() { # ROOT: prints what is wrong, one line each; nothing when all is well
  cd "$1" || exit 1
  find src include/pmm -name '*.[ch]' -o -name '*.cpp' | sort | xargs grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' | awk '
    function layer(words, name,  list, n, i) {
      n = split(words, list, " ")
      for (i = 1; i <= n; i++) home[list[i]] = name
    }
    BEGIN {
      n = split("base market pricing strategy ledger risk exec engine exchange tape settings backtest net venue feed store telemetry live server app", folders, " ")
      for (i = 1; i <= n; i++) rank[folders[i]] = i
      layer("arena clock decimal fmath hash ring rng status types version", "base")
      layer("book event fees flow grid ladder market", "market")
      layer("optimal param pricing", "pricing")
      layer("strategy warmup", "strategy"); layer("ledger", "ledger"); layer("risk", "risk"); layer("exec", "exec")
      layer("engine", "engine"); layer("exchange place rewards", "exchange"); layer("tape", "tape"); layer("settings", "settings")
      layer("backtest calibrate config scan report sweep", "backtest")
      layer("net service", "net"); layer("venue kalshi polymarket degen", "venue"); layer("feed", "feed"); layer("live", "live"); layer("pmm server", "server")
      # Beyond the order: the venue side and the files know nothing of what trades on them.
      split("strategy ledger risk exec engine", blind, " ")
      for (i in blind) forbidden["exchange " blind[i]] = forbidden["tape " blind[i]] = forbidden["net " blind[i]] = forbidden["venue " blind[i]] = forbidden["feed " blind[i]] = 1
      forbidden["tape exchange"] = 1
    }
    {
      split($0, part, ":"); file = part[1]; place = file ":" part[2]
      path = $0; sub(/^[^"]*"/, "", path); sub(/".*/, "", path)
      k = split(file, dir, "/")
      if (dir[1] == "src") from = dir[2]
      else {
        name = dir[k]; sub(/\.h$/, "", name)
        if (!(name in home)) { print file ": public header without a layer: add it to tests/layers/test_layers.sh"; next }
        from = home[name]
      }
      if (path ~ /^pmm\//) {
        name = path; sub(/^pmm\//, "", name); sub(/\.h$/, "", name)
        if (!(name in home)) { print place ": \"" path "\" has no layer"; next }
        to = home[name]
      } else if (path ~ /^[^\/]+$/) to = from           # a private header beside the file
      else { split(path, d, "/"); to = d[1] }            # a private header of another folder
      if (!(from in rank)) print place ": folder " from " is not on the map"
      else if (!(to in rank)) print place ": \"" path "\" lies outside src/"
      else if (rank[to] > rank[from] || (from " " to) in forbidden) print place ": " from " may not include \"" path "\" of " to
    }'
}

if [ $# -gt 0 ]; then
  found=$(check "$1")
  [ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
  exit 0
fi

root=${PMM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
self=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
sh "$self" "$root" || exit 1
count=$(find "$root/src" "$root/include" -name '*.[ch]' | wc -l)
[ "$count" -gt 30 ] || { echo "only $count files seen in $root"; exit 1; }

# Canary: each of these must be found.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
canary() { # FILE LINE
  rm -rf "$tmp/t"; mkdir -p "$tmp/t/src/base" "$tmp/t/src/market" "$tmp/t/src/exchange" "$tmp/t/include/pmm"
  echo '#include "types.h"' > "$tmp/t/src/base/ok.c"
  [ -z "$1" ] || printf '%s\n' "$2" > "$tmp/t/$1"
  if sh "$self" "$tmp/t" > "$tmp/said"; then return 1; fi
}
canary '' '' && { echo "canary: a clean tree was refused"; cat "$tmp/said"; exit 1; }
while IFS='|' read -r file line; do
  canary "$file" "$line" || { echo "canary: not noticed: $file: $line"; exit 1; }
done <<'LIST'
src/base/bad.c|#include "pmm/engine.h"
src/base/bad.c|  #  include "pmm/market.h"
src/market/bad.c|#include "engine/engine_impl.h"
src/market/bad.c|#include "../tests/check.h"
src/exchange/bad.c|#include "pmm/risk.h"
include/pmm/types.h|#include "pmm/event.h"
include/pmm/stray.h|#include "pmm/types.h"
src/market/bad.c|#include "pmm/nothing.h"
LIST
echo "layers: $count files hold to the map"
