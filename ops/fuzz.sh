#!/usr/bin/env bash
# Fuzzes with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer (docs/testing.md).
#   ops/fuzz.sh [--merge] [SECONDS_PER_FUZZER [NAME...]]      default: 3600 seconds, every fuzzer
# One after the other, each from the seeds of tests/fuzz/corpus/NAME and what earlier runs found,
# which is kept in build/fuzz/corpus/NAME. Inputs that fail are left in build/fuzz/findings; there
# is one line about each fuzzer, and the exit code is 1 if any input failed.
# --merge: afterwards adds to tests/fuzz/corpus the found inputs that reach code no other seed does,
# the small ones, up to 32 KB a fuzzer.
set -euo pipefail
cd "$(dirname "$0")/.."

merge=0
seconds=3600
[ "${1:-}" = --merge ] && { merge=1; shift; }
case ${1:-} in
  -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
  '') ;;
  *[!0-9]*) echo "ops/fuzz.sh: expected seconds, got '$1'; see --help" >&2; exit 2 ;;
  *) seconds=$1; shift ;;
esac
names=("$@")
if [ ${#names[@]} = 0 ]; then
  for source in tests/fuzz/*_fuzzer.cc; do names+=("$(basename "$source" _fuzzer.cc)"); done
fi
for name in "${names[@]}"; do
  [ -e "tests/fuzz/${name}_fuzzer.cc" ] || { echo "ops/fuzz.sh: no fuzzer '$name'" >&2; exit 2; }
done

cmake --preset fuzz >/dev/null
ninja -C build/fuzz "${names[@]/%/_fuzzer}"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=0:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
mkdir -p build/fuzz/findings build/fuzz/logs

# Bytes in a folder's files.
bytes_of() { find "$1" -type f -printf '%s\n' | awk '{sum += $1} END {print sum + 0}'; }

# Copies into the seeds of $1 the files of $2, smallest first, while they fit.
add_seeds() {
  local room=$((32768 - $(bytes_of "tests/fuzz/corpus/$1")))
  find "$2" -type f -printf '%s %p\n' | sort -n | while read -r size path; do
    [ "$size" -le "$room" ] && [ "$size" -le 2048 ] || break
    room=$((room - size))
    cp "$path" "tests/fuzz/corpus/$1/$(basename "$path" | cut -c1-12)"
  done
}

failed=0
for name in "${names[@]}"; do
  mkdir -p "build/fuzz/corpus/$name"
  log=build/fuzz/logs/$name.log
  dictionary=()
  [ -e "tests/fuzz/$name.dict" ] && dictionary=("-dict=tests/fuzz/$name.dict")
  before=$(find build/fuzz/findings -name "$name-*" | wc -l)
  began=$SECONDS
  build/fuzz/bin/"${name}_fuzzer" -fork=1 -ignore_crashes=1 -ignore_ooms=0 -rss_limit_mb=2048 \
    -timeout=60 -max_len=4096 -max_total_time="$seconds" "${dictionary[@]}" \
    -artifact_prefix="build/fuzz/findings/$name-" \
    "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1 || failed=1
  found=$(($(find build/fuzz/findings -name "$name-*" | wc -l) - before))
  [ "$found" = 0 ] || failed=1
  runs=$(grep -oE '^#[0-9]+: cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1)
  echo "fuzz: $name: $((SECONDS - began)) s, runs ${runs:-see $log}, $found failing inputs"
  if [ $merge = 1 ]; then
    # The seeds first, so that only what they do not reach comes in addition.
    fresh=build/fuzz/merged/$name
    rm -rf "$fresh"
    mkdir -p "$fresh"
    cp "tests/fuzz/corpus/$name"/* "$fresh"
    build/fuzz/bin/"${name}_fuzzer" -merge=1 "$fresh" "build/fuzz/corpus/$name" >>"$log" 2>&1 ||
      failed=1
    for seed in "tests/fuzz/corpus/$name"/*; do rm "$fresh/$(basename "$seed")"; done
    add_seeds "$name" "$fresh"
  fi
done
exit $failed
