#!/bin/sh
# The tutorial's programs print what docs/tutorial.md says they print.
. "$(dirname "$0")/lib.sh"

# The block of docs/tutorial.md that follows a line "$ build/examples/NAME".
said() { awk -v want="\$ build/examples/$1" '$0 == want { on = 1; next } /^```/ { on = 0 } on' "$PMM_SRC/docs/tutorial.md"; }

# Figures of the random walk change whenever any layer does: there the words must agree.
words() { sed 's/[-+]*[0-9][0-9.]*/N/g' "$1"; }

for name in 1_two_sided_quote 2_inventory 3_random_walk; do
  said "$name" > "$tmp/want"
  [ -s "$tmp/want" ] || fail "docs/tutorial.md does not show $name"
  "$PMM_BUILD/examples/$name" > "$tmp/got" || fail "$name exits with $?"
  if [ "$name" = 3_random_walk ]; then
    for file in want got; do words "$tmp/$file" > "$tmp/words" && mv "$tmp/words" "$tmp/$file"; done
  fi
  diff "$tmp/want" "$tmp/got" > "$tmp/diff" || fail "$name prints something else than docs/tutorial.md says: $(cat "$tmp/diff")"
done

"$PMM_BUILD/examples/3_random_walk" 1 > "$tmp/got"
"$PMM_BUILD/examples/3_random_walk" 2 > "$tmp/two"
"$PMM_BUILD/examples/3_random_walk" 2 | cmp -s - "$tmp/two" || fail "one seed gives two hours"
cmp -s "$tmp/got" "$tmp/two" && fail "two seeds give one hour"
"$PMM_BUILD/examples/3_random_walk" -1 2> "$tmp/err" && fail "a seed out of range is accepted"
says err "seed: -1 is out of range"
finish
