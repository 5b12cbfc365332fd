# prepare.sh -- sourced by the client tests: installs the official clients into $PMM_BUILD/clients exactly as the lock file pins them, and sets
#   CLIENTS  the folder with node_modules and the scripts beside it, so that imports resolve
#   NODE     a Node of at least 20.10: the system's, or else one installed from the registry as a pinned package
# Leaves with 77 (skipped), saying why, where npm or the registry cannot be had.
CLIENTS=$PMM_BUILD/clients

clients_skip() { echo "SKIP: $*"; exit 77; }
clients_fresh() { # FOLDER: is what is installed there what the lock file says?
  cmp -s "$PMM_SRC/tests/clients/$1package-lock.json" "$CLIENTS/$1installed"
}
clients_install() { # FOLDER
  clients_fresh "$1" && return 0
  mkdir -p "$CLIENTS/$1"
  cp "$PMM_SRC/tests/clients/$1package.json" "$PMM_SRC/tests/clients/$1package-lock.json" "$CLIENTS/$1"
  (cd "$CLIENTS/$1" && timeout 400 npm ci --ignore-scripts --no-audit --no-fund > npm.log 2>&1) || { tail -5 "$CLIENTS/$1npm.log"; clients_skip "npm ci failed (no network?)"; }
  cp "$PMM_SRC/tests/clients/$1package-lock.json" "$CLIENTS/$1installed"
}
clients_node_is_new() { # NODE
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 10) ? 0 : 1)' 2>/dev/null
}

command -v npm > /dev/null 2>&1 || clients_skip "npm is missing (apt-get install nodejs npm)"
mkdir -p "$CLIENTS"
exec 9> "$CLIENTS/lock"
flock 9 # two client tests may start at once
clients_install ''
NODE=$(command -v node || true)
if [ -z "$NODE" ] || ! clients_node_is_new "$NODE"; then
  clients_install node/
  NODE=$(ls "$CLIENTS"/node/node_modules/node-linux-*/bin/node 2>/dev/null | head -1)
  [ -n "$NODE" ] && clients_node_is_new "$NODE" || clients_skip "no Node of at least 20.10 for this machine"
fi
flock -u 9
