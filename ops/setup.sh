#!/usr/bin/env bash
# Installs everything that building, testing and the demo need on Debian 12: packages by apt, Python
# packages, pinned, into build/venv. Safe to run again; does nothing that is done already.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-19 mold ccache cmake ninja-build pkg-config
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libprotobuf-dev protobuf-compiler
  libleveldb-dev libzstd-dev zlib1g-dev libxxhash-dev libspdlog-dev prometheus-cpp-dev
  libyaml-cpp-dev libcli11-dev libssl-dev libgtest-dev libbenchmark-dev
  python3 python3-venv git ca-certificates curl
)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
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
