# tests/app/lib.sh -- sourced by the shell tests of the program: a scratch folder and three ways of expecting.
# Run by ctest with PMM_BIN, PMM_SRC and PMM_BUILD set; by hand from the repository's root after `make build`.
PMM_SRC=${PMM_SRC:-$(pwd)}
PMM_BUILD=${PMM_BUILD:-$PMM_SRC/build}
PMM_BIN=${PMM_BIN:-$PMM_BUILD/pmm}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() { echo "FAILED: $*"; failed=1; }

# run STATUS ARGS...: runs pmm, its output in $tmp/out and $tmp/err, and expects an exit status.
run() {
  want=$1; shift
  "$PMM_BIN" "$@" >"$tmp/out" 2>"$tmp/err"
  got=$?
  [ "$got" -eq "$want" ] || fail "pmm $*: exit $got, not $want: $(head -c 300 "$tmp/err")"
}

# says FILE TEXT: FILE (out or err) contains TEXT.
says() { grep -qF -e "$2" "$tmp/$1" || fail "no '$2' in $1: $(head -c 400 "$tmp/$1")"; }

finish() { [ "$failed" -eq 0 ] && echo "ok"; exit "$failed"; }
