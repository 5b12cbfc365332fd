# Polymarket's official client (npm @polymarket/clob-client-v2, pinned by the lock file), unmodified, against `pmm exchange` on a port.
set -eu
. "$PMM_SRC/tests/clients/prepare.sh"
cp "$PMM_SRC/tests/clients/polymarket/client.mjs" "$CLIENTS/polymarket_client.mjs"
. "$PMM_SRC/tests/clients/exchange.sh"
exchange_start <<'YAML'
seed: 7
serve:
  - dialect: polymarket
    settle: 1s
listings:
  - id: demo
    duration: 0
members:
  - name: maker
    polymarket_address: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
  - name: taker
    polymarket_address: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    polymarket_funder: "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"
traders: {noise: 0, informed: 0, momentum: 0, reference: 0}
YAML
timeout 120 "$NODE" "$CLIENTS/polymarket_client.mjs" "$EXCHANGE_URL" "$PMM_EXCHANGE_ADMIN_TOKEN" "$PMM_BIN"
