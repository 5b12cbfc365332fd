# Kalshi's official client (npm kalshi-typescript, pinned by the lock file), unmodified, against the Kalshi dialect on a port.
set -eu
. "$PMM_SRC/tests/clients/prepare.sh"
STAND=$PMM_BUILD/tests/client_stand
[ -x "$STAND" ] || { echo "$STAND is not built"; exit 1; }
cp "$PMM_SRC/tests/clients/kalshi/client.cjs" "$CLIENTS/kalshi_client.cjs"
KEYS=$(mktemp -d)
trap 'rm -rf "$KEYS"' EXIT
timeout 120 "$NODE" "$CLIENTS/kalshi_client.cjs" "$STAND" "$KEYS"
