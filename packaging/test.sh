#!/usr/bin/env bash
# Installs what the tests need, builds everything and runs every test; ends with ctest's own summary.
# Arguments go to ctest, e.g. packaging/test.sh -R Lint. With KILTER_CHECKS=ON the sanitizer and fuzzing checks run as
# two more tests (each builds for itself and takes minutes).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/phases.sh
source "$here/phases.sh"

checks=${KILTER_CHECKS:-OFF}
wanted=(--tests)
if [[ $checks != OFF ]]; then wanted+=(--checks); fi
phase "install dependencies" "$here/install-dependencies.sh" "${wanted[@]}"
build release -- -DKILTER_TESTS=ON -DKILTER_CHECKS="$checks"
# One more than there are cores: a neighbourhood of processes waits most of the time.
ctest --test-dir "$source_dir/build/release" --output-on-failure --no-tests=error -j $((jobs + 1)) "$@"
