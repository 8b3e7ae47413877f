#!/usr/bin/env bash
# From a fresh Debian 12 machine to a neighbourhood that clears its market: installs the build dependencies, builds, and
# runs the demo. Arguments go to `kilter demo`. Safe to run again: what is done is not done twice.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/phases.sh
source "$here/phases.sh"

phase "install build dependencies" "$here/install-dependencies.sh"
build release kilter kilter-agent kilter-coordinator -- -DKILTER_TESTS=OFF
shown "kilter demo" "$source_dir/build/release/bin/kilter" demo "$@"
