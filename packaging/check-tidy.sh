#!/usr/bin/env bash
# clang-tidy (.clang-tidy) and clang's own warnings over every folder's library and every program; anything found fails.
# Needs clang; without it says so and succeeds.
# A folder is checked as one source, so that its headers are read once: no two files of a folder may give the same name
# to different things, anonymous namespaces included. The tests: cmake --preset tidy && cmake --build --preset tidy.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/phases.sh
source "$here/phases.sh"

if ! command -v clang-tidy >/dev/null; then
    echo "no clang-tidy here, nothing checked; packaging/install-dependencies.sh --checks installs it"
    exit 0
fi
build tidy -- -DKILTER_TESTS=OFF
