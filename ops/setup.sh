#!/usr/bin/env bash
# Installs everything that building, testing and the demo need on Debian 12: packages by apt, Python
# packages, pinned, into build/venv. Safe to run again; does nothing that is done already.
# With --bench also what bench/run compares Tokura with (docs/performance.md), with --spark Spark, Java and
# Iceberg for Spark, for ops/test.sh --spark.
set -euo pipefail
cd "$(dirname "$0")/.."

with_bench=false
with_spark=false
for flag in "$@"; do
  case $flag in
    --bench) with_bench=true ;;
    --spark) with_spark=true ;;
    *) echo "usage: ops/setup.sh [--bench] [--spark]" >&2; exit 2 ;;
  esac
done

packages=(
  clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-19 mold ccache cmake ninja-build pkg-config
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libprotobuf-dev protobuf-compiler
  libleveldb-dev libzstd-dev zlib1g-dev libxxhash-dev libspdlog-dev prometheus-cpp-dev
  libyaml-cpp-dev libcli11-dev libjemalloc-dev libssl-dev libcurl4-openssl-dev libgtest-dev libbenchmark-dev
  python3 python3-venv git ca-certificates curl
)

bench_packages=(redis-server memcached)
# Spark 4.1 with Scala 2.13; fetched by Maven, known by its content.
iceberg_spark=iceberg-spark-runtime-4.1_2.13-1.11.0
iceberg_spark_sha256=d6ea6c5d099288daeb7d5a92061bd3d7d8f296492632b42378e5f2f0e3066242

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
if $with_spark; then
  # Any Java and any Maven will do, whoever installed them.
  missing=()
  [ -x /usr/lib/jvm/java-17-openjdk-"$(dpkg --print-architecture)"/bin/java ] || missing+=(openjdk-17-jre-headless)
  command -v mvn >/dev/null || missing+=(maven)
  if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
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

if $with_bench; then
  if ! cmp -s ops/requirements-bench.txt build/bench-venv/.requirements; then
    echo "setup: installing Feast into build/bench-venv"
    rm -rf build/bench-venv
    /usr/bin/python3 -m venv build/bench-venv
    build/bench-venv/bin/python -m pip install -q --disable-pip-version-check -r ops/requirements-bench.txt
    cp ops/requirements-bench.txt build/bench-venv/.requirements
  fi
fi

if $with_spark; then
  if ! cmp -s ops/requirements-spark.txt "$venv/.requirements-spark"; then
    echo "setup: installing Spark into $venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r ops/requirements-spark.txt
    cp ops/requirements-spark.txt "$venv/.requirements-spark"
  fi
  jar=build/spark/$iceberg_spark.jar
  if ! echo "$iceberg_spark_sha256  $jar" | sha256sum --check --status 2>/dev/null; then
    echo "setup: fetching $iceberg_spark into build/spark"
    mkdir -p build/spark
    rm -f build/spark/*.jar
    mvn -q -B dependency:copy \
      -Dartifact="org.apache.iceberg:${iceberg_spark%-*}:${iceberg_spark##*-}" \
      -DoutputDirectory="$PWD/build/spark"
    echo "$iceberg_spark_sha256  $jar" | sha256sum --check --quiet
  fi
fi
echo "setup: done"
