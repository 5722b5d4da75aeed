#!/usr/bin/env bash
# Passes the tests: installs, builds, runs every test, then builds and runs them again under
# AddressSanitizer and UndefinedBehaviorSanitizer.
#   ops/test.sh [--release-only] [--spark] [--long] [-- CTEST-ARGUMENTS]
# --spark: the tests that read the offline tables with Spark, too (half a gigabyte to install).
# --long: afterwards millions of fuzz mutations, 10 million oracle operations and 3,000 kills (hours).
set -euo pipefail
cd "$(dirname "$0")/.."

presets=(release asan)
long=0
setup_flags=()
while [ $# -gt 0 ]; do
  case $1 in
    --release-only) presets=(release) ;;
    --spark) setup_flags=(--spark); export TOKURA_SPARK=1 ;;
    --long) long=1 ;;
    --) shift; break ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "ops/test.sh: unknown argument '$1'; see --help" >&2; exit 2 ;;
  esac
  shift
done

ops/setup.sh "${setup_flags[@]}"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=0:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$PWD/tests/lsan.supp:print_suppressions=0}
failed=0
for preset in "${presets[@]}"; do
  started=$SECONDS
  ops/build.sh "$preset"
  built=$SECONDS
  echo "test: $preset (built in $((built - started)) s)"
  log=build/$preset/ctest.log
  if ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure "$@" >"$log" 2>&1; then
    tail -n 4 "$log"
  else
    failed=1
    # What failed, then the runner's closing lines.
    grep -vE '^ *[0-9]+/[0-9]+ Test +#.* Passed|^ +Start ' "$log" | tail -n 400
  fi
  echo "test: $preset took $((SECONDS - built)) s"
done
if [ $long = 1 ] && [ $failed = 0 ]; then
  echo "test: long runs (fuzzers, faults, oracle, kills)"
  for fuzzer in build/release/bin/*_fuzzer; do
    name=$(basename "$fuzzer" _fuzzer)
    echo "test: fuzz $name"
    TOKURA_FUZZ_RUNS=${TOKURA_FUZZ_RUNS:-2000000} "$fuzzer" "tests/fuzz/corpus/$name" || failed=1
  done
  TOKURA_FAULT_WORKLOADS=${TOKURA_FAULT_WORKLOADS:-20} \
    build/release/bin/faults_test --gtest_brief=1 || failed=1
  TOKURA_ORACLE_OPERATIONS=${TOKURA_ORACLE_OPERATIONS:-10000000} \
    build/release/bin/scenarios_test --gtest_brief=1 || failed=1
  build/venv/bin/python tests/kill/kill_test.py --tokura build/release/bin/tokura \
    --kills "${TOKURA_KILLS:-3000}" || failed=1
  for flags in "" --s3; do
    build/venv/bin/python tests/kill/compactor_kill_test.py --bin build/release/bin \
      --kills "${TOKURA_KILLS:-500}" $flags || failed=1
  done
fi
exit $failed
