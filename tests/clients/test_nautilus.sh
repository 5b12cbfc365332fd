# nautilus_trader's Polymarket data client (PyPI, pinned), unmodified, against `pmm exchange` with traders in its market. The first run installs some
# 300 MB into the build folder; where that cannot be had the test is skipped.
set -eu
venv=$PMM_BUILD/clients/nautilus
requirements=$PMM_SRC/tests/clients/nautilus/requirements.txt
skip() { echo "SKIP: $*"; exit 77; }

command -v python3 > /dev/null 2>&1 || skip "python3 is missing"
if ! cmp -s "$requirements" "$venv/installed"; then
  mkdir -p "$PMM_BUILD/clients"
  python3 -m venv "$venv" > "$PMM_BUILD/clients/nautilus.log" 2>&1 || skip "no virtual environment (apt-get install python3-venv)"
  timeout 450 "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >> "$PMM_BUILD/clients/nautilus.log" 2>&1 ||
    skip "nautilus_trader cannot be installed: $(tail -1 "$PMM_BUILD/clients/nautilus.log")"
  cp "$requirements" "$venv/installed"
fi

. "$PMM_SRC/tests/clients/exchange.sh"
exchange_start <<'YAML'
seed: 7
serve:
  - dialect: polymarket
listings:
  - id: demo
    duration: 0
traders: {noise: 10, informed: 1, momentum: 1, reference: 2}
YAML
timeout 100 "$venv/bin/python" "$PMM_SRC/tests/clients/nautilus/market_data.py" "$EXCHANGE_URL" demo > "$EXCHANGE_DIR/log" 2>&1 || { tail -20 "$EXCHANGE_DIR/log"; exit 1; }
# Its books would agree all the same if a message that it cannot read were passed over.
if grep -E 'Failed to parse|\[ERROR\]' "$EXCHANGE_DIR/log"; then exit 1; fi
grep '^nautilus:' "$EXCHANGE_DIR/log"
