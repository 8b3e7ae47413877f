#!/usr/bin/env bash
# Installs, upgrades, removes, reinstalls and purges the built packages in a clean Debian 12, with apt from a signed
# repository, and says what it saw: packaging/test-packages.sh [DIR of amd64 packages, default build/packages/amd64]
#
# Needs root, debootstrap, apt-utils and gnupg (packaging/chroot.sh says what else). Nothing is started; that is
# packaging/test-street.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/chroot.sh
source "$here/chroot.sh"
packages=${1:-$source_dir/build/packages/amd64}

failures=0
ok() { printf 'ok      %s\n' "$1"; }
wrong() { printf 'FAILED  %s\n' "$1"; failures=$((failures + 1)); }
# check WHAT COMMAND...: COMMAND succeeds.
check() { local what=$1; shift; if "$@" >/dev/null 2>&1; then ok "$what"; else wrong "$what"; fi; }

root=$(mktemp -d "${TMPDIR:-/tmp}/kilter-packages-XXXXXX")
trap 'remove_root "$root"; rm -rf "$root-repository" "$root-repository-key" "$root-older"' EXIT
# What the packages need is in the chroot already, so that what is left over is theirs.
with_dependencies() {
    in_root "$1" apt-get update
    in_root "$1" apt-get install -y --no-install-recommends adduser init-system-helpers ca-certificates man-db \
        libzmq5 libsodium23 libsqlite3-0 libspdlog1.10 libjemalloc2
    in_root "$1" apt-get clean
}
unpack_root "$root" install with_dependencies
inside() { in_root "$root" "$@"; }
state() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./repository -o -path ./var/cache -o -path ./var/log \
    -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./run \) -prune -o -print | sort); }

# The same packages under an older version, to upgrade from.
mkdir "$root-older"
for package in "$packages"/kilter-{agent,coordinator}_*.deb "$packages"/kilter_*.deb; do
    work=$root-older/work
    dpkg-deb -R "$package" "$work"
    sed -i 's/^Version: .*/Version: 0.0.9-1/' "$work/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$work" "$root-older/$(dpkg-deb -f "$package" Package)_0.0.9-1_amd64.deb" >/dev/null
    rm -rf "$work"
done
"$here/make-repository.sh" "$root-repository" "$root-older" >/dev/null
mkdir -p "$root/repository" "$root/etc/apt/keyrings"
mount --bind "$root-repository" "$root/repository"
cp "$root-repository/kilter.gpg" "$root/etc/apt/keyrings/"
echo 'deb [signed-by=/etc/apt/keyrings/kilter.gpg] file:/repository bookworm main' \
    >"$root/etc/apt/sources.list.d/kilter.list"
kilter_only=(-o Dir::Etc::sourcelist=/etc/apt/sources.list.d/kilter.list -o Dir::Etc::sourceparts=/dev/null)
state >"$root.before"
trap 'remove_root "$root"; rm -rf "$root-repository" "$root-repository-key" "$root-older" "$root.before"' EXIT

inside apt-get "${kilter_only[@]}" update
check "apt installs the older version from the signed repository" \
    inside apt-get install -y --no-install-recommends kilter-agent kilter-coordinator kilter
for daemon in agent coordinator; do
    check "$daemon: its user owns its state, nobody else reads it" \
        test "$(chroot "$root" stat -c %U:%a "/var/lib/kilter-$daemon")" = "kilter-$daemon:700"
    check "$daemon: its key is there, mode 0600" test "$(stat -c %a "$root/var/lib/kilter-$daemon/$daemon.key")" = 600
done
owner=$(chroot "$root" stat -c %U /var/lib/kilter-agent/agent.key)
check "agent: the key is the user kilter-agent's ($owner)" test "$owner" = kilter-agent
check "home.toml: the owner's and the agent's only" test "$(chroot "$root" stat -c %U:%G:%a /etc/kilter/home.toml)" = root:kilter-agent:640
cp "$root/var/lib/kilter-agent/agent.key" "$root/tmp/key.before"
same_key() { cmp -s "$root/tmp/key.before" "$root/var/lib/kilter-agent/agent.key"; }
sed -i 's/20001/20777/' "$root/etc/kilter/agent.toml"
touch "$root/var/lib/kilter-agent/agent.db"

"$here/make-repository.sh" "$root-repository" "$packages" >/dev/null
inside apt-get "${kilter_only[@]}" update
check "apt upgrades to the present version" inside apt-get -y upgrade
# shellcheck disable=SC2016  # dpkg's variable
version=$(chroot "$root" dpkg-query -W -f '${Version}' kilter-agent)
check "the present version is there ($version)" test "$version" != 0.0.9-1
check "the upgrade kept the key" same_key
check "the upgrade kept a changed configuration" grep -q 20777 "$root/etc/kilter/agent.toml"
check "the upgrade kept the state" test -e "$root/var/lib/kilter-agent/agent.db"
check "apt reinstalls" inside apt-get install -y --reinstall kilter-agent kilter-coordinator kilter
check "the reinstallation kept the key" same_key
check "the documentation installs" inside apt-get install -y --no-install-recommends kilter-doc
check "the self-test passes" chroot "$root" kilter-agent --selftest
for page in "$root"/usr/share/man/man*/kilter*; do
    name=$(basename "$page" .gz)
    check "man ${name%.*}(${name##*.})" chroot "$root" man -w "${name##*.}" "${name%.*}"
done
check "not enrolled: it says how" sh -c "chroot '$root' kilter-agent run 2>&1 | grep -q 'kilter-agent enroll'"
check "enroll prints a request" sh -c "chroot '$root' kilter-agent enroll --endpoint tcp://192.0.2.7:20001 | grep -q ^kilter-request:"

check "apt removes" inside apt-get remove -y kilter-agent kilter-coordinator kilter kilter-doc
check "removal kept the key" same_key
check "removal kept the configuration" test -e "$root/etc/kilter/agent.toml"
check "removal took the program" test ! -e "$root/usr/bin/kilter-agent"
check "apt installs again" inside apt-get install -y --no-install-recommends kilter-agent
check "the new installation found the key" same_key
check "apt purges" inside apt-get purge -y kilter-agent kilter-coordinator kilter kilter-doc
rm -f "$root/tmp/key.before"
left=$(state | diff "$root.before" - | grep -v -E '^[0-9,]+[acd]|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|\.wh\.|/var/cache/man|/var/lib/systemd' | grep '^[<>]' || true)
if [[ -z $left ]]; then ok "a purge leaves nothing behind"; else wrong "a purge leaves: $left"; fi
if ((failures)); then echo "$failures failed"; exit 1; fi
