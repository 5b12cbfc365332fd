#!/bin/sh
# pmm tape stats, cut and merge: what they print, what they refuse.
. "$(dirname "$0")/lib.sh"
cd "$PMM_SRC" || exit 1
kalshi=tests/fixtures/kalshi
run 0 tape import --format kalshi-ws -o "$tmp/k.tape" "$kalshi"/*.ndjson
run 0 tape import --format polymarket-multifeed -o "$tmp/m.tape" tests/fixtures/multifeed.json

# -- stats
run 0 tape stats "$tmp/k.tape" "$tmp/m.tape"
says out "k.tape: "
says out "receive minus venue time"
says out "clocks: "
run 0 tape stats --json "$tmp/k.tape"
says out '"records":{"level":'
says out '"skew":{"messages":'
run 0 tape info "$tmp/k.tape"
says out "clocks: receive minus venue time about"
says out '"recv_minus_venue_ms":{"median":'
run 0 tape info --json "$tmp/k.tape"
says out '"skew":{"messages":'
run 1 tape stats "$tmp/none.tape"
says err "none.tape: No such file"
run 2 tape stats
run 2 tape stats --market A "$tmp/k.tape"

# -- cut
middle=$("$PMM_BIN" tape export --format csv "$tmp/k.tape" | sed -n 20p | cut -d, -f1)
run 0 tape cut -o "$tmp/c.tape" --from "$middle" "$tmp/k.tape"
says out "the state at the beginning"
run 0 tape verify "$tmp/c.tape"
run 0 tape info "$tmp/c.tape"
says out "{\"made_by\":\"pmm tape cut\",\"from_ns\":$middle}"
says out '"made_by":"pmm tape import"'
run 0 tape cut -o "$tmp/c.tape" --market '*1345-45' --to 2100-01-01T00:00:00Z "$tmp/k.tape"
run 0 tape info "$tmp/c.tape"
says out "1 markets"
run 1 tape cut -o "$tmp/no.tape" --market 'NOBODY*' "$tmp/k.tape"
says err "no market and no underlying on this tape has such a name"
run 1 tape cut -o "$tmp/no.tape" --from 2100-01-01T00:00:00Z "$tmp/k.tape"
says err "no records"
run 2 tape cut -o "$tmp/no.tape" --from yesterday "$tmp/k.tape"
says err "yesterday: neither a time"
run 2 tape cut -o "$tmp/no.tape" --from 5 --to 4 "$tmp/k.tape"
run 2 tape cut "$tmp/k.tape"
run 2 tape cut -o "$tmp/no.tape"
[ -e "$tmp/no.tape" ] || [ -e "$tmp/no.tape.tmp" ] && fail "a refused cut left a file"

# -- hftbacktest
run 0 tape import --format hftbacktest --market H --tick 0.01 -o "$tmp/h.tape" tests/fixtures/hftbacktest_deflated.npz
run 0 tape verify "$tmp/h.tape"
run 0 tape export --format npz -o "$tmp/h.npz" "$tmp/h.tape"
run 0 tape import --format hftbacktest --market H -o "$tmp/h2.tape" "$tmp/h.npz"
run 2 tape export --format npz -o "$tmp/no.npz" "$tmp/k.tape"
says err "--market ID"
"$PMM_BIN" tape export --format npz "$tmp/h.tape" 2>"$tmp/err" | cat >"$tmp/piped"
says err "needs a file: -o FILE"
run 2 tape import --format hftbacktest -o "$tmp/no.tape" tests/fixtures/hftbacktest_deflated.npz
says err "--market ID"
run 2 tape import --format hftbacktest --market H --scale x -o "$tmp/no.tape" tests/fixtures/hftbacktest_deflated.npz
run 2 tape import --format kalshi-ws --market H -o "$tmp/no.tape" "$kalshi"/one.*
[ -e "$tmp/no.tape" ] || [ -e "$tmp/no.npz" ] && fail "a refused .npz left a file"

# -- merge
run 0 tape merge -o "$tmp/both.tape" "$tmp/m.tape" "$tmp/k.tape"
run 0 tape verify "$tmp/both.tape"
run 0 tape info "$tmp/both.tape"
says out '"tapes":["m.tape","k.tape"]'
run 2 tape merge -o "$tmp/no.tape" "$tmp/k.tape" "$tmp/k.tape"
says err "is on an earlier tape too; --same-market join"
run 2 tape merge -o "$tmp/no.tape" --same-market join "$tmp/k.tape" "$tmp/k.tape"
says err "overlap in time"
run 2 tape merge -o "$tmp/no.tape" --same-market drop "$tmp/k.tape" "$tmp/k.tape"
run 2 tape merge -o "$tmp/no.tape"
run 2 tape merge "$tmp/k.tape"
run 1 tape merge -o "$tmp/no.tape" "$tmp/k.tape" "$tmp/none.tape"
[ -e "$tmp/no.tape" ] || [ -e "$tmp/no.tape.tmp" ] && fail "a refused merge left a file"
run 0 tape merge --help
says out "--same-market join"
finish
