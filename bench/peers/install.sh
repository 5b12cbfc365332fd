#!/bin/sh
# Installs the peers that our benchmarks are set beside, pinned: Python packages into bench/peers/.venv, the Rust driver into
# bench/peers/target. Nothing outside bench/peers changes (cargo and pip keep their own caches).
set -eu
cd "$(dirname "$0")"

need() { # PROGRAM HINT
  command -v "$1" >/dev/null 2>&1 || { echo "bench-peers: $1 is missing: $2" >&2; exit 2; }
}
need python3 "apt-get install python3 python3-venv"
need cargo "install Rust 1.88 or later (https://rustup.rs), then repeat"

if ! cmp -s requirements.txt .venv/installed; then
  echo "bench-peers: Python packages into bench/peers/.venv"
  python3 -m venv .venv || { echo "bench-peers: python3 cannot make a virtual environment: apt-get install python3-venv" >&2; exit 2; }
  .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
  cp requirements.txt .venv/installed
fi
echo "bench-peers: hftbacktest, the crate (about two minutes the first time)"
CARGO_TARGET_DIR="$PWD/target" cargo build --quiet --release --locked --manifest-path hftbt/Cargo.toml
echo "bench-peers: ready: bench/peers/target/release/hftbt, bench/peers/.venv/bin/python"
