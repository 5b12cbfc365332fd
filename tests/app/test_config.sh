#!/bin/sh
# pmm config init, check and reference from the outside, and the files made from them.
. "$(dirname "$0")/lib.sh"

# Every strategy's fresh configuration is accepted and says nothing but defaults.
for strategy in linear adaptive logit digital; do
  run 0 config init "$strategy" -o "$tmp/$strategy.yaml"
  run 0 config check -c "$tmp/$strategy.yaml"
  cp "$tmp/out" "$tmp/from_init"
  run 0 config check --set "strategy=$strategy"
  cmp -s "$tmp/out" "$tmp/from_init" || fail "init $strategy is not the defaults"
done
run 0 config init
head -n 1 "$tmp/out" | grep -q linear || fail "init without a strategy is not linear"
run 2 config init nonsense
says err "pmm: strategy: no 'nonsense' (known: linear, adaptive, logit, digital, curve, arbitrage"
[ -e "$tmp/linear.yaml.tmp" ] && fail "a temporary file was left behind"

# What check prints is a configuration that checks to itself, as YAML and as JSON.
run 0 config check -c "$tmp/digital.yaml" --set params.spread=.05 --set seed=7 --set 'market.only=KX*"\'
cp "$tmp/out" "$tmp/first.yaml"
grep -q '^seed: 7$' "$tmp/first.yaml" || fail "--set seed=7 did not reach the output"
grep -q '^  spread: 0.05$' "$tmp/first.yaml" || fail "--set params.spread=.05 did not reach the output"
run 0 config check -c "$tmp/first.yaml"
cmp -s "$tmp/out" "$tmp/first.yaml" || fail "check's YAML does not check to itself"
run 0 config check -c "$tmp/first.yaml" --json
cp "$tmp/out" "$tmp/first.json"
run 0 config check -c "$tmp/first.json"
cmp -s "$tmp/out" "$tmp/first.yaml" || fail "check's JSON means something else than its YAML"
[ "$(wc -l < "$tmp/first.json")" -eq 1 ] || fail "--json is not one line"

# The examples are valid.
for file in "$PMM_SRC"/examples/*.yaml "$PMM_SRC"/examples/live/*.yaml; do
  run 0 config check -c "$file"
done

# Errors: place, key, reason, and exit status 2.
printf 'risk:\n  max_haet: .3\n' > "$tmp/bad.yaml"
run 2 config check -c "$tmp/bad.yaml"
says err "pmm: $tmp/bad.yaml:2: risk.max_haet: unknown key (did you mean 'max_"
[ -s "$tmp/out" ] && fail "an error writes to stdout"
run 2 config check -c "$tmp/none.yaml"
says err "pmm: $tmp/none.yaml: No such file or directory"
run 2 config check -c "$tmp"
says err "pmm: $tmp: Is a directory"
: > "$tmp/empty.yaml"
run 2 config check -c "$tmp/empty.yaml"
says err "the file is empty"
run 2 config check --set params.size
says err "pmm: --set params.size: not of the form key=value"
run 2 config check --set params.size=-1
says err "pmm: --set params.size=-1: params.size: -1 is out of range"
run 2 config
run 2 config explain
says err "pmm: config: no 'explain' (known: init, check, reference)"
run 2 config check extra
run 2 config init linear extra
run 2 config check --set

# Output goes to its place whole or not at all.
echo before > "$tmp/kept.yaml"
run 1 config init -o "$tmp/no/such/folder.yaml"
says err "pmm: $tmp/no/such/folder.yaml: No such file or directory"
( ulimit -f 1; "$PMM_BIN" config reference -o "$tmp/kept.yaml" 2>"$tmp/err" ) # one block: not enough
[ $? -eq 1 ] || fail "a file too large for the disk does not exit 1"
says err "pmm: $tmp/kept.yaml: File too large"
[ "$(cat "$tmp/kept.yaml")" = before ] || fail "a failed write changed the file"
[ -e "$tmp/kept.yaml.tmp" ] && fail "a failed write left its temporary file"
ln -s kept.yaml "$tmp/link.yaml"
run 0 config init -o "$tmp/link.yaml"
[ -L "$tmp/link.yaml" ] || fail "a link was replaced by a file"
grep -q '^strategy: linear' "$tmp/kept.yaml" || fail "what the link points at was not written"
"$PMM_BIN" config init -o /dev/stdout > "$tmp/piped" && cmp -s "$tmp/piped" "$tmp/kept.yaml" || fail "-o /dev/stdout does not write there"

# The page in docs/ is the one this program writes.
run 0 config reference
cmp -s "$tmp/out" "$PMM_SRC/docs/config.md" || fail "docs/config.md is not what 'pmm config reference' writes: pmm config reference -o docs/config.md"
finish
