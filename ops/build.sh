#!/usr/bin/env bash
# Builds Tokura: ops/build.sh [PRESET [TARGET...]]; PRESET: release (default), debug, asan, tsan, fuzz.
# Programs land in build/PRESET/bin/.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true

[ -f build/venv/.requirements ] || ops/setup.sh
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
echo "build: $preset"
# One compiler a core; a big file takes about 1.5 GB.
jobs=$(nproc)
by_memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
[ "$by_memory" -ge 1 ] || by_memory=1
[ "$by_memory" -ge "$jobs" ] || jobs=$by_memory
if [ -t 1 ]; then
  ninja -C "build/$preset" -j "$jobs" "$@"
else
  # Not a terminal: a line now and then is enough.
  NINJA_STATUS='[%f/%t %es] ' ninja -C "build/$preset" -j "$jobs" "$@" |
    awk '/^\[/ { if (++n % 25 == 0) { print; fflush() } next } { print; fflush() }'
fi
