#!/usr/bin/env bash
# Installs, upgrades, removes, reinstalls and purges the built packages in a clean Debian 12, with apt from a signed
# repository, and says what it saw:
#
#   packaging/test-packages.sh [DIR of amd64 packages [DIR of the previous version's]]
#                              (default: build/packages/amd64, build/packages/previous/amd64 if there are some)
#
# The previous version's packages (packaging/build-packages.sh --rev previous) leave real stores to be migrated; without them the
# present ones are upgraded from themselves under an older version.
#
# Needs root, debootstrap, apt-utils and gnupg (packaging/chroot.sh says what else). Nothing is started; that is
# packaging/test-street.sh.
# shellcheck disable=SC2016  # dpkg expands them
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

root=$(mktemp -d "${TMPDIR:-/tmp}/kilter-packages-XXXXXX")
trap 'remove_root "$root"; rm -rf "$root-repository" "$root-repository-key" "$root-older"' EXIT
# What the packages need is in the chroot already, so that what is left over is theirs.
with_dependencies() {
    in_root "$1" apt-get update
    in_root "$1" apt-get install -y --no-install-recommends adduser init-system-helpers ca-certificates man-db \
        "${libraries[@]}"
    in_root "$1" apt-get clean
}
unpack_root "$root" "install-$with_libraries" with_dependencies
inside() { in_root "$root" "$@"; }
state() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./repository -o -path ./var/cache -o -path ./var/log \
    -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./run \) -prune -o -print | sort); }

# under_version DIR VERSION: the present packages under another version.
under_version() {
    local package
    mkdir -p "$1"
    for package in "$packages"/kilter-{agent,coordinator}_*_amd64.deb "$packages"/kilter_*_amd64.deb; do
        local work=$1/work
        dpkg-deb -R "$package" "$work"
        sed -i "s/^Version: .*/Version: $2/" "$work/DEBIAN/control"
        dpkg-deb --root-owner-group -b "$work" "$1/$(dpkg-deb -f "$package" Package)_$2_amd64.deb" >/dev/null
        rm -rf "$work"
    done
}
mkdir "$root-older"
migrates=no
if compgen -G "$previous/kilter-agent_*_amd64.deb" >/dev/null; then
    cp "$previous"/kilter{,-agent,-coordinator}_*_amd64.deb "$root-older/"
    migrates=yes
else
    echo "no packages in $previous: an upgrade from the present version, without a migration"
    under_version "$root-older" 0.0.9-1
fi
older=$(dpkg-deb -f "$root-older"/kilter-agent_*_amd64.deb Version)
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
if [[ $migrates == yes ]]; then
    # Stores of a neighbourhood in which the older version has traded: one home's and one coordinator's become this machine's.
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    give_street "$root/root/street.toml"
    check "the older version trades" inside kilter demo /root/street.toml --homes-per-net 2 --intervals 2 --dir /root/demo --keep
    # adopt DAEMON DIRECTORY
    adopt() {
        cp "$root/root/demo/$2"/state/*.db "$root/root/demo/genesis.bin" "$root/var/lib/kilter-$1/"
        cp "$root/root/demo/$2/key" "$root/var/lib/kilter-$1/$1.key"
        chroot "$root" chown -R "kilter-$1:" "/var/lib/kilter-$1"
    }
    adopt agent home-street-1
    adopt coordinator coordinator-0
    cp "$root/root/street.toml" "$root/etc/kilter/feeder.toml"
    cp "$root/var/lib/kilter-agent/agent.key" "$root/tmp/key.before"
    rm -r "$root/root/demo" "$root/root/street.toml"
else
    touch "$root/var/lib/kilter-agent/agent.db"
fi
"$here/make-repository.sh" "$root-repository" "$packages" >/dev/null
inside apt-get "${kilter_only[@]}" update
check "apt upgrades to the present version" inside apt-get -y upgrade
# shellcheck disable=SC2016  # dpkg's variable
version=$(chroot "$root" dpkg-query -W -f '${Version}' kilter-agent)
check "the present version is there ($version)" test "$version" != "$older"
check "the upgrade kept the key" same_key
check "the upgrade kept a changed configuration" grep -q 20777 "$root/etc/kilter/agent.toml"
check "the upgrade kept the state" test -e "$root/var/lib/kilter-agent/agent.db"
format() { od -An -tx1 -j60 -N4 "$root/var/lib/kilter-$1" | tr -d ' '; }
if [[ $migrates == yes ]]; then
    # As the units have them.
    for daemon in agent coordinator; do chroot "$root" install -d -o "kilter-$daemon" -g "kilter-$daemon" "/run/kilter-$daemon"; done
    check "a home's memory is of the format before" test "$(format agent/agent.db)" = 00000001
    check "kilter-agent opens it" inside kilter-agent safe
    check "it is of the present format now" test "$(format agent/agent.db)" = 00000002
    check "what it was is kept, for its owner alone" \
        test "$(format agent/agent.db.format-1) $(chroot "$root" stat -c %U:%a /var/lib/kilter-agent/agent.db.format-1)" = "00000001 kilter-agent:600"
    check "a coordinator's log is of the format before" test "$(format coordinator/log.db)" = 00000001
    chroot "$root" timeout 30 kilter-coordinator run >"$root/tmp/coordinator.out" 2>&1 &
    for _ in {1..100}; do [[ $(format coordinator/log.db) == 00000001 ]] || break; sleep 0.2; done
    sleep 1
    pkill -TERM -P $! 2>/dev/null || true
    wait || true
    check "the coordinator brought it to the present one" test "$(format coordinator/log.db)" = 00000002
    check "and kept it as it was" test "$(format coordinator/log.db.format-1)" = 00000001
    check "the log verifies" inside kilter log verify --genesis /var/lib/kilter-coordinator/genesis.bin /var/lib/kilter-coordinator
    check "so does what was kept" inside kilter log verify --genesis /var/lib/kilter-coordinator/genesis.bin /var/lib/kilter-coordinator/log.db.format-1
    check "the older package can be put over it" inside apt-get install -y --allow-downgrades "kilter-agent=$older"
    sum=$(sha256sum <"$root/var/lib/kilter-agent/agent.db")
    check "and its program refuses to touch the newer store" \
        sh -c "! timeout 30 chroot '$root' kilter-agent run 2>'$root/tmp/refused' && grep -q 'written by a newer version' '$root/tmp/refused'"
    check "which is what it was" test "$(sha256sum <"$root/var/lib/kilter-agent/agent.db")" = "$sum"
    check "apt upgrades again" inside apt-get -y upgrade
    check "nothing was lost" inside kilter-agent safe
    # From the present version on the package itself refuses: a later version has written a format that is not there yet.
    under_version "$root/root/later" 9.0.0-1
    check "a later version installs" inside sh -c 'dpkg -i /root/later/kilter-agent_*.deb'
    printf '\000\000\000\003' | dd of="$root/var/lib/kilter-agent/agent.db" bs=1 seek=60 conv=notrunc status=none
    check "over its store the present package does not install" \
        sh -c "! chroot '$root' apt-get install -y --allow-downgrades 'kilter-agent=$version' >'$root/tmp/refused' 2>&1 && grep -q 'Nothing was changed' '$root/tmp/refused'"
    check "the later version is still there, and whole" \
        test "$(chroot "$root" dpkg-query -W -f '${Version} ${db:Status-Abbrev}' kilter-agent)" = "9.0.0-1 ii "
    printf '\000\000\000\002' | dd of="$root/var/lib/kilter-agent/agent.db" bs=1 seek=60 conv=notrunc status=none
    check "over a store that it can read it does" inside apt-get install -y --allow-downgrades "kilter-agent=$version"
    rm -f "$root/var/lib/kilter-agent/genesis.bin"
    rm -rf "$root/run/kilter-agent" "$root/run/kilter-coordinator" "$root/root/later" "$root/tmp/refused" "$root/tmp/coordinator.out"
    umount "$root/dev" "$root/proc"
fi
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
rm -f "$root/etc/kilter/feeder.toml"; rmdir "$root/etc/kilter" 2>/dev/null || true
left=$(state | diff "$root.before" - | grep -v -E '^[0-9,]+[acd]|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|\.wh\.|/var/cache/man|/var/lib/systemd' | grep '^[<>]' || true)
if [[ -z $left ]]; then ok "a purge leaves nothing behind"; else wrong "a purge leaves: $left"; fi
all_checked
