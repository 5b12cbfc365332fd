# exchange.sh -- sourced by client tests: exchange_start runs `pmm exchange` with the configuration on its standard input and any free port, and sets
# EXCHANGE_URL once it listens; it ends with the script.
PMM_EXCHANGE_ADMIN_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export PMM_EXCHANGE_ADMIN_TOKEN
EXCHANGE_DIR=$(mktemp -d)
EXCHANGE_PID=
exchange_stop() {
  [ -z "$EXCHANGE_PID" ] || { kill "$EXCHANGE_PID" 2>/dev/null && wait "$EXCHANGE_PID" || true; }
  rm -rf "$EXCHANGE_DIR"
}
trap exchange_stop EXIT

exchange_start() {
  cat > "$EXCHANGE_DIR/exchange.yaml"
  mkfifo "$EXCHANGE_DIR/said"
  "$PMM_BIN" exchange -c "$EXCHANGE_DIR/exchange.yaml" --json > "$EXCHANGE_DIR/said" 2> "$EXCHANGE_DIR/notices" &
  EXCHANGE_PID=$!
  read -r EXCHANGE_LINE < "$EXCHANGE_DIR/said" || { cat "$EXCHANGE_DIR/notices"; echo "pmm exchange did not start"; exit 1; }
  EXCHANGE_URL=$(printf '%s' "$EXCHANGE_LINE" | sed 's/.*"url":"\([^"]*\)".*/\1/')
}
