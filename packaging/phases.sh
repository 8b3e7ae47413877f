# Sourced by the scripts beside it. A phase is one command with a name: its output goes to a file, the screen shows the
# name and the seconds it took, and only a failure shows more.
# shellcheck shell=bash

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log_dir=${KILTER_LOG_DIR:-$source_dir/build/logs}
jobs=${KILTER_JOBS:-$(nproc)}
mkdir -p "$log_dir"
# Objects are the same wherever the checkout lies: a compiler cache may know them from another one.
export CCACHE_BASEDIR=$source_dir CCACHE_NOHASHDIR=1

# phase NAME COMMAND...: runs COMMAND quietly; ends the script when it fails.
phase() {
    local name=$1 started=$SECONDS status=0
    shift
    local log="$log_dir/${name//[^a-z0-9]/-}.log"
    printf '%-34s' "$name"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status == 0)); then
        printf '%5d s\n' $((SECONDS - started))
        return
    fi
    printf ' FAILED after %d s (exit code %d)\n\n' $((SECONDS - started)) "$status"
    # A compiler says what is wrong first and repeats the command last: show the error lines when there are any.
    grep -nE '(: (fatal )?error: |^E: |CMake Error|\[  FAILED  \]|SUMMARY: )' "$log" | head -n 20 || true
    printf '%s\n' "--- the last lines of $log:"
    tail -n 20 "$log"
    exit "$status"
}

# shown NAME COMMAND...: like phase, for a command whose output is the point.
shown() {
    local name=$1 started=$SECONDS status=0
    shift
    printf -- '--- %s\n' "$name"
    "$@" || status=$?
    printf '%-34s%5d s\n' "$name" $((SECONDS - started))
    return "$status"
}

# build PRESET TARGET... -- CMAKE-OPTION...: configures and builds; every target when none is named.
build() {
    local preset=$1 targets=()
    shift
    while (($#)) && [[ $1 != -- ]]; do targets+=("$1"); shift; done
    (($#)) && shift
    phase "configure ($preset)" cmake -S "$source_dir" --preset "$preset" "$@"
    phase "build ($preset)" cmake --build "$source_dir/build/$preset" -j "$jobs" \
        ${targets[@]+--target "${targets[@]}"}
}
