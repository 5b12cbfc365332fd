# The usual tasks over CMake's presets (CMakePresets.json). `make` alone builds build/pmm.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
ARGS ?=
OPS ?= 10000000
FUZZ_SECONDS ?= 60
CTEST = ctest --output-on-failure -j $(JOBS)
# The sanitizers say where; leaks of the C library's own start-up are not ours.
SAN = ASAN_OPTIONS=abort_on_error=0:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

.PHONY: build tuned deps run test test-release test-long validate asan fuzz fuzz-build fuzz-smoke bench bench-peers bench-compare flame results valgrind coverage format lint clean install help

build: ## compile everything in release mode: build/pmm
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

tuned: ## build/tuned/pmm: linked as a whole for this machine's processor, a tenth quicker from message to order; results keep their bits
	@cmake --preset tuned >/dev/null
	@cmake --build --preset tuned -j $(JOBS) --target pmm bench_wire

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1 | /p' Makefile | awk -F ' [|] ' '{ printf "%-14s %s\n", $$1, $$2 }'

deps: ## install missing Debian packages (packages.txt)
	@sh packaging/deps.sh

run: build ## build, then show a market maker at work (ARGS go to `pmm demo`)
	@build/pmm demo $(ARGS)

test: test-release asan fuzz-smoke ## every test: release, sanitizers, a short round of fuzzing
	@echo "make test: all passed"

test-release: build ## the tests of the release build
	@$(CTEST) --preset release

test-long: build ## the release tests with OPS random operations each, over PMM_DATA's recordings when set
	@PMM_TEST_OPS=$(OPS) $(CTEST) --preset release

validate: build ## the literature's figures in full, as docs/validation.md shows them (some minutes)
	@PMM_BUILD=build sh examples/literature/validate.sh

# A sweep's command runs hundreds of backtests: its code is in test_backtest_sweep, and the command itself in the release tests.
asan: ## the tests under address and undefined-behaviour sanitizers
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan -j $(JOBS)
	@$(SAN) $(CTEST) --preset asan -E '^test_app_sweep$$'

fuzz-build:
	@cmake --preset fuzz >/dev/null
	@cmake --build --preset fuzz -j $(JOBS) --target $(patsubst fuzz/%.c,%,$(wildcard fuzz/fuzz_*.c))

fuzz: fuzz-build ## fuzz every target for FUZZ_SECONDS, from its corpus
	@sh fuzz/run.sh build/fuzz/fuzz $(FUZZ_SECONDS)

fuzz-smoke: ## the same for a few seconds, where clang is there
	@if command -v clang >/dev/null 2>&1; then $(MAKE) --no-print-directory fuzz FUZZ_SECONDS=3; \
	else echo "fuzz: no clang here, skipped"; fi

bench: build ## the standing measurements, as JSON lines (alternate with a peer on one machine)
	@PMM_BUILD=build sh bench/bench.sh

bench-peers: ## install what our figures are set beside, pinned, into bench/peers (needs cargo and python3)
	@sh bench/peers/install.sh

bench-compare: build ## the standing workloads, ours and the peers', in turn: medians and ratios
	@sh bench/compare.sh

flame: build ## where the time goes: flame graphs of the standing workloads into docs/images
	@sh bench/flame.sh

results: build ## replay every recording under PMM_DATA with every strategy: docs/results.md
	@sh bench/results.sh

valgrind: build ## the tests of the release build under valgrind
	@PMM_TEST_OPS=$${PMM_TEST_OPS:-2000} sh packaging/valgrind.sh build

coverage: ## line coverage of src/ by the tests
	@cmake --preset coverage >/dev/null
	@cmake --build --preset coverage -j $(JOBS)
	@find build/coverage -name '*.gcda' -delete
	@$(CTEST) --preset coverage
	@gcovr --root . --filter src/ --object-directory build/coverage --exclude-throw-branches --sort-percentage

format: ## lay out FILES (default: what differs from the last commit) by .clang-format
	@clang-format -i $(if $(FILES),$(FILES),$(shell git diff --name-only --diff-filter=d HEAD -- '*.c' '*.h' '*.cpp'))

lint: build ## clang-tidy over the sources
	@clang-tidy --quiet -p build $(if $(FILES),$(FILES),$(wildcard src/*/*.c))

install: build ## program, library and headers under PREFIX
	@cmake --install build --prefix $(PREFIX)

clean: ## remove everything built
	rm -rf build
