#!/usr/bin/env bash
# The main job on real data: a year of flights from New York through define, write, read, train, prove.
#   ops/demo.sh [--keep] [--directory DIR]
# --keep leaves the store running at the end. Everything lands in a fresh temporary directory.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" -h "* | *" --help "*) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
ops/setup.sh
ops/build.sh release tokura
exec build/venv/bin/python ops/demo/demo.py --tokura build/release/bin/tokura "$@"
