#!/bin/sh
# Installs those packages of packages.txt that are missing; quick when none is. Needs root or sudo only when it installs.
set -eu
cd "$(dirname "$0")/.."

wanted=$(sed 's/#.*//' packages.txt)
if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "deps: not a Debian system; these packages, or what they are called here, must be installed:" $wanted >&2
  exit 0
fi

missing=
for package in $wanted; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=none
  # nodejs from elsewhere brings its own npm, and Debian's would fight with it.
  [ "$package" = npm ] && command -v npm >/dev/null 2>&1 && state=installed
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1; then
  as_root=sudo
else
  echo "deps: missing packages, and neither root nor sudo to install them:$missing" >&2
  exit 1
fi
echo "deps: installing$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >/dev/null
