#!/usr/bin/env bash
# Installs everything that building, testing and the demo need on Debian 12: packages by apt, Python
# packages, pinned, into build/venv. Safe to run again; does nothing that is done already.
# With --bench also what bench/run compares Tokura with (docs/performance.md).
set -euo pipefail
cd "$(dirname "$0")/.."

with_bench=false
case "${1:-}" in
  "") ;;
  --bench) with_bench=true ;;
  *) echo "usage: ops/setup.sh [--bench]" >&2; exit 2 ;;
esac

packages=(
  clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-19 mold ccache cmake ninja-build pkg-config
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libprotobuf-dev protobuf-compiler
  libleveldb-dev libzstd-dev zlib1g-dev libxxhash-dev libspdlog-dev prometheus-cpp-dev
  libyaml-cpp-dev libcli11-dev libjemalloc-dev libssl-dev libcurl4-openssl-dev libgtest-dev libbenchmark-dev
  python3 python3-venv git ca-certificates curl
)

bench_packages=(redis-server memcached)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Prints which of the given packages are not installed.
missing_of() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      echo "$package"
  done
}

install_packages() {
  echo "setup: installing $# Debian packages: $*"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "$@" >/dev/null
}

# Debian starts servers when it installs them. A benchmark starts its own, so the ones that come
# with the packages neither start now nor when the machine does.
install_without_services() {
  local policy=/usr/sbin/policy-rc.d made=false service
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made=true
  fi
  local failed=0
  install_packages "$@" || failed=$?
  if $made; then as_root rm -f "$policy"; fi
  [ "$failed" = 0 ] || return "$failed"
  for service in redis-server memcached; do
    case " $* " in *" $service "*) as_root update-rc.d "$service" disable >/dev/null 2>&1 || true ;;
    esac
  done
}

mapfile -t missing < <(missing_of "${packages[@]}")
if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
if $with_bench; then
  mapfile -t missing < <(missing_of "${bench_packages[@]}")
  if [ ${#missing[@]} -gt 0 ]; then install_without_services "${missing[@]}"; fi
fi

# promtool, which checks metrics and alert rules. Its package would start a Prometheus, so only the
# one file is taken out of it.
if [ ! -x build/tools/promtool ]; then
  echo "setup: fetching promtool into build/tools"
  scratch=$(mktemp -d)
  fetch() { (cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root prometheus); }
  fetch 2>/dev/null || { as_root apt-get update -qq; fetch; }
  dpkg -x "$scratch"/prometheus_*.deb "$scratch"
  mkdir -p build/tools
  mv "$scratch/usr/bin/promtool" build/tools/
  rm -rf "$scratch"
fi

venv=build/venv
stamp=$venv/.requirements
if ! cmp -s ops/requirements.txt "$stamp"; then
  echo "setup: installing the pinned Python packages into $venv"
  rm -rf "$venv"
  mkdir -p build
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r ops/requirements.txt
  # Lets the linker find libarrow.so and libparquet.so inside the wheel (cmake/TokuraArrow.cmake).
  "$venv/bin/python" -c 'import pyarrow; pyarrow.create_library_symlinks()'
  cp ops/requirements.txt "$stamp"
fi
echo "setup: done"
