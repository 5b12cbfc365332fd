#!/bin/sh
# Runs every test program of a build folder under valgrind's memcheck. usage: packaging/valgrind.sh BUILD
# Errors of any kind and definite leaks fail. The program itself is run too, on a small tape and a scenario.
set -eu
build=$1
export PMM_SRC="$PWD" PMM_BUILD="$build" PMM_BIN="$build/pmm"
check() { valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --child-silent-after-fork=yes "$@" >/dev/null; }
passed=0 failed=0
for t in "$build"/tests/test_*; do
  [ -x "$t" ] || continue
  [ "$(basename "$t")" = test_base_fmath ] && continue # compares with long double, which valgrind computes in 64 bits
  if check "$t" 2>"$build/valgrind.log"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $t"; tail -n 40 "$build/valgrind.log"; fi
done
for s in linear adaptive logit digital; do
  kind=walk
  [ $s = digital ] && kind=digital
  if check "$build/pmm" backtest --scenario $kind --set strategy=$s --set scenario.duration=120s --json /dev/null; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED scenario $s"; fi
done
echo "valgrind: $passed passed, $failed failed"
[ "$failed" = 0 ]
