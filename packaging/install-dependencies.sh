#!/usr/bin/env bash
# Installs what kilter is built from, on Debian 12, with apt-get. Does nothing when everything is there already.
#
#   packaging/install-dependencies.sh            what building and running needs
#   packaging/install-dependencies.sh --tests    also what the tests need
#   packaging/install-dependencies.sh --checks   also clang, for clang-tidy, clang-format and fuzzing
set -euo pipefail

# The one list of packages. Nothing is downloaded from anywhere else.
packages=(
    g++ cmake ninja-build pkg-config ccache
    libzmq3-dev cppzmq-dev libsodium-dev libeigen3-dev libmsgpack-cxx-dev libsqlite3-dev libspdlog-dev libjemalloc-dev
    libtomlplusplus-dev libcli11-dev nlohmann-json3-dev
)
test_packages=(libgtest-dev libbenchmark-dev python3-numpy python3-scipy sqlite3)
check_packages=(clang clang-format clang-tidy)

for option in "$@"; do
    case $option in
        --tests) packages+=("${test_packages[@]}") ;;
        --checks) packages+=("${check_packages[@]}") ;;
        *)
            echo "unknown option $option; known are --tests and --checks" >&2
            exit 2
            ;;
    esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    printf '%s\n' "This machine has no apt-get. kilter is built on Debian 12; elsewhere install the equivalents of:" \
        "  ${packages[*]}" "and run cmake --preset release && cmake --build --preset release" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        printf '%s\n' "These packages are missing and installing them needs root, but there is no sudo. As root, run:" \
            "  apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# apt_get ARGUMENT...: quiet unless it fails. Waits for another apt-get instead of failing on its lock.
apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null
}
fail() {
    printf '%s\n' "$1" "--- apt-get said:" >&2
    tail -n 15 "$log" >&2
    exit 1
}

printf 'installing %s\n' "${missing[*]}"
# Package lists may be stale or absent; a failed update only matters if the installation then fails too.
apt_get update || true
apt_get install -y --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install the packages above; check the network and /etc/apt, then run this again."
