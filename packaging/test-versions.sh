#!/usr/bin/env bash
# This version and the one before it in one neighbourhood: half of the coordinators and half of the homes are processes of the
# previous version, and they clear and order the log together; then the halves change places.
#
#   packaging/test-versions.sh [DIR of amd64 packages [DIR of the previous version's]]
#                              (default: build/packages/amd64, build/packages/previous/amd64)
#
# packaging/build-packages.sh --rev previous builds the latter. Needs root and what packaging/chroot.sh names.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/chroot.sh
source "$here/chroot.sh"
# shellcheck source=packaging/checks.sh
source "$here/checks.sh"
# shellcheck source=packaging/street.sh
source "$here/street.sh"
packages=${1:-$source_dir/build/packages/amd64}
previous=${2:-$source_dir/build/packages/previous/amd64}

root=$(mktemp -d "${TMPDIR:-/tmp}/kilter-versions-XXXXXX")
trap 'remove_root "$root"' EXIT
with_dependencies() {
    in_root "$1" apt-get update
    in_root "$1" apt-get install -y --no-install-recommends "${libraries[@]}"
    in_root "$1" apt-get clean
}
unpack_root "$root" "versions-$with_libraries" with_dependencies
for package in kilter kilter-agent kilter-coordinator; do
    dpkg-deb -x "$packages"/${package}_*_amd64.deb "$root/present"
    dpkg-deb -x "$previous"/${package}_*_amd64.deb "$root/previous"
done
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
run() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
said() { run "/$1/usr/bin/kilter" --version; }
printf '%s and %s\n' "$(said previous)" "$(said present)"
check "these are two versions" test "$(said previous)" != "$(said present)"

# kilter demo starts the programs beside it: here a script that takes one version or the other by its neighbour's number.
mkdir "$root/mixed"
cp "$root/present/usr/bin/kilter" "$root/mixed/"
mix() {   # REMAINDER: of the numbers by two, for which it is the previous version
    for program in kilter-agent kilter-coordinator; do
        cat >"$root/mixed/$program" <<EOF
#!/bin/sh
number=\$(echo "\$*" | sed -E 's/.*-0*([0-9]+)[^0-9]*\$/\1/')
version=present
if [ \$((number % 2)) = $1 ]; then version=previous; fi
echo "\$version $program \$number" >>/mixed/started
exec /\$version/usr/bin/$program "\$@"
EOF
        chmod 755 "$root/mixed/$program"
    done
    rm -f "$root/mixed/started"
}
give_street "$root/root/street.toml" upper lower
for older in 1 0; do
    mix "$older"
    rm -rf "$root/root/demo"
    status=0
    run /mixed/kilter demo /root/street.toml --homes-per-net 4 --ledger-rule 1 --intervals 3 --seconds-max 120 --dir /root/demo --keep \
        >"$root/demo.out" 2>&1 || status=$?
    sed 's/^/        /' "$root/demo.out"
    # The demo compares with one process of this version, too. How a home finds its answer may change from one version to the
    # next, and with it the last bits of prices; what all compute together must not, or there would be no log.
    cleared() {
        [[ $status == 0 ]] || grep -q 'not the same as in one process' "$root/demo.out" || return 1
        grep -q '^log: 4 replicas verified and equal' "$root/demo.out" && grep -q '^audit: .*passed$' "$root/demo.out" &&
            [[ $(grep -c ' converged ' "$root/demo.out") == 3 ]]
    }
    check "three sessions cleared, one log, bills and audit hold" cleared
    count() { grep -c "^$1 $2" "$root/mixed/started" || true; }
    check "$(count previous kilter-coordinator) coordinators and $(count previous kilter-agent) homes of the previous version took part, and $(count present kilter-coordinator) and $(count present kilter-agent) of this one" \
        test "$(count previous kilter-coordinator)" = 2 -a "$(count previous kilter-agent)" = 4 -a "$(count present kilter-agent)" = 4
    stores=("$root"/root/demo/coordinator-*)
    check "this version verifies all four logs" run /present/usr/bin/kilter log verify "${stores[@]#"$root"}"
done
all_checked
