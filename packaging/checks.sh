# Sourced by the tests of packages: what was seen, a line each, and how many of them were wrong.
# shellcheck shell=bash

failures=0
ok() { printf '%6d s  ok      %s\n' $SECONDS "$1"; }
wrong() { printf '%6d s  FAILED  %s\n' $SECONDS "$1"; failures=$((failures + 1)); }

# check WHAT COMMAND...: COMMAND succeeds. What it says is shown when it does not.
check() {
    local what=$1 said
    shift
    if said=$("$@" 2>&1); then ok "$what"; return; fi
    wrong "$what"
    tail -n 20 <<<"$said" | sed 's/^/                  /'
}

# all_checked: the last line of a test.
all_checked() {
    if ((failures == 0)); then return; fi
    echo "$failures failed"
    exit 1
}
