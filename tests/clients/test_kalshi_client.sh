# Kalshi's official client (npm kalshi-typescript, pinned by the lock file), unmodified, against `pmm exchange` on a port.
set -eu
. "$PMM_SRC/tests/clients/prepare.sh"
cp "$PMM_SRC/tests/clients/kalshi/client.cjs" "$CLIENTS/kalshi_client.cjs"
. "$PMM_SRC/tests/clients/exchange.sh"
"$NODE" "$CLIENTS/kalshi_client.cjs" keys "$EXCHANGE_DIR"
exchange_start <<YAML
seed: 7
serve:
  - dialect: kalshi
    rate_limit: false # else what passes depends on how fast this machine is
listings:
  - id: KXT-26NOV20-A
    duration: 1d
  - id: KXT-26NOV20-B
    duration: 1d
members:
  - name: alice
    cash: 10000
    kalshi_key_id: alice-key
    kalshi_public_key: "$EXCHANGE_DIR/alice.pem"
  - name: bob
    cash: 10000
    kalshi_key_id: bob-key
    kalshi_public_key: "$EXCHANGE_DIR/bob.pem"
traders: {noise: 0, informed: 0, momentum: 0, reference: 0}
YAML
timeout 120 "$NODE" "$CLIENTS/kalshi_client.cjs" run "$EXCHANGE_DIR" "$EXCHANGE_URL" "$PMM_EXCHANGE_ADMIN_TOKEN"
