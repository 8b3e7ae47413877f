#!/usr/bin/env bash
# Runs every fuzz target of tests/fuzz for a minute (first argument, in seconds; default 60) from a fixed seed, under
# AddressSanitizer and UndefinedBehaviorSanitizer. Needs clang; without it says so and succeeds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/phases.sh
source "$here/phases.sh"
seconds=${1:-60}

if ! command -v clang++ >/dev/null; then
    echo "no clang++ here, nothing fuzzed; packaging/install-dependencies.sh --checks installs it"
    exit 0
fi
export UBSAN_OPTIONS=print_stacktrace=1
build fuzz fuzz_targets -- -DKILTER_TESTS=ON
work=$source_dir/build/fuzz/runs
rm -rf "$work"
# Two at a time: each takes one core.
failed=0
started=()
finish() {
    for name in "${started[@]}"; do
        wait "${pids[$name]}" || failed=1
        cat "$work/$name.said"
    done
    started=()
}
declare -A pids
for target in "$source_dir"/build/fuzz/bin/fuzz_*; do
    name=$(basename "$target")
    corpora=("$work/$name")
    mkdir -p "$work/$name"
    seeds=$source_dir/tests/fuzz/corpus/${name#fuzz_}
    [[ -d $seeds ]] && corpora+=("$seeds")
    # The value profile finds comparisons with magic numbers that plain coverage misses.
    phase "$name" "$target" -seed=1 -use_value_profile=1 -max_total_time="$seconds" -timeout=5 \
        -rss_limit_mb=1024 -artifact_prefix="$work/$name-" "${corpora[@]}" >"$work/$name.said" 2>&1 &
    pids[$name]=$!
    started+=("$name")
    ((${#started[@]} < 2)) || finish
done
finish
exit "$failed"
