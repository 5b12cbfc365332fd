# A user's own strategy, built as a shared object against the public headers, asked through `pmm quote`.
set -u
: "${PMM_BIN:?names the program}" "${PMM_BUILD:?names the build folder}"
so="$PMM_BUILD/examples/mine.so"
[ -e "$so" ] || { echo "$so is not built"; exit 1; }
failed=0
ask() {
  answer=$(printf '%s\n' "$1" | "$PMM_BIN" quote); got=$?
  case "$answer" in $2) ;; *) echo "$1"; echo "  answered $answer"; echo "  want     $2"; failed=1 ;; esac
  [ "$got" -eq "$3" ] || { echo "$1: exit $got"; failed=1; }
}
book='"book":{"bids":[["0.48","300"]],"asks":[["0.52","100"]]}'
# Microprice 0.51, imbalance one half of a cent's tick, nothing held.
ask "{\"id\":1,\"strategy\":\"$so\",$book}" '{"id":1,"action":"quote","fair":0.515*"bids":[[][[]"0.5000","10"]],"asks":[[][[]"0.5300","10"]]*"microprice":0.51*"imbalance":0.5}}' 0
# 100 held: full on one side, and both prices are five cents lower.
ask "{\"id\":2,\"strategy\":\"$so\",$book,\"position\":{\"yes\":100}}" '*"bids":[[]],"asks":[[][[]"0.4900","10"]]*' 0
ask "{\"id\":3,\"strategy\":\"$so\"}" '*"action":"pause"*"why":"no two-sided book"*' 0
ask "{\"id\":4,\"strategy\":\"$so\",\"params\":{\"half_spred\":1}}" '*"error":"params.half_spred: unknown (nearest: half_spread)"}' 1
ask "{\"id\":5,\"strategy\":\"$so\",\"params\":{\"half_spread\":9}}" '*"error":"params.half_spread: 9 is out of range*' 1
# Two strategies in turn within one run.
printf '%s\n' "{\"id\":1,\"strategy\":\"$so\",$book}" "{\"id\":2,\"strategy\":\"linear\",$book}" "{\"id\":3,\"strategy\":\"$so\",$book}" | "$PMM_BIN" quote | grep -c '"action":"quote"' | grep -q 3 || { echo "strategies in turn"; failed=1; }
# A library that is no strategy.
ask '{"id":6,"strategy":"/dev/null.so"}' '*"error":"strategy: cannot load*' 1
exit $failed
