# Sourced by the scripts that need a clean Debian 12: root file systems made once, kept as tar files, unpacked for each use.
# shellcheck shell=bash disable=SC2034

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
chroots=${KILTER_CHROOTS:-/var/cache/kilter}

if ((EUID != 0)); then
    echo "this needs root: it makes file systems and changes into them" >&2
    exit 1
fi
for tool in debootstrap unshare ip zstd; do
    command -v "$tool" >/dev/null ||
        { echo "there is no $tool: apt-get install debootstrap util-linux iproute2 zstd" >&2; exit 1; }
done

# What the packages depend on: in the chroots from the beginning, so that installing packages needs no network. Chroots with
# another list have another name.
libraries=(libzmq5 libsodium23 libsqlite3-0 libspdlog1.10 libjemalloc2)
with_libraries=$(printf '%s ' "${libraries[@]}" | sha256sum | cut -c1-6)

# The mirror whose packages this machine's apt uses.
mirror() {
    local found=${KILTER_MIRROR:-}
    if [[ -z $found ]]; then
        # shellcheck disable=SC2016  # apt's variables
        found=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
            awk '$2 == "bookworm" && !found { print $3; found = 1 }')
    fi
    if [[ -z $found ]]; then
        echo "no mirror of Debian 12 is configured here: name one in KILTER_MIRROR" >&2
        return 1
    fi
    printf '%s\n' "${found%/}"
}

# in_root ROOT COMMAND...: quietly, with a terminal that nobody answers.
in_root() {
    local root=$1
    shift
    mkdir -p "$chroots/logs"
    local log
    log=$chroots/logs/$(basename "$root").log
    chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        "$@" >"$log" 2>&1 </dev/null || { echo "in the chroot, '$*' failed:" >&2; tail -n 15 "$log" >&2; return 1; }
}

# keep NAME ROOT: as a tar file.
keep() {
    mkdir -p "$chroots"
    tar --numeric-owner --one-file-system -C "$2" -c . | zstd -q -3 -T0 -o "$chroots/$1.new" -f
    mv "$chroots/$1.new" "$chroots/$1.tar.zst"
}

# unpack_root ROOT NAME MAKER: NAME's tar file in ROOT. When there is none yet, MAKER ROOT turns a minimal Debian 12 into it.
unpack_root() {
    local root=$1 name=$2 maker=$3
    if [[ ! -e $chroots/bookworm.tar.zst ]]; then
        echo "making a minimal Debian 12 (once)"
        local fresh
        fresh=$(mktemp -d)
        debootstrap --variant=minbase bookworm "$fresh" "$(mirror)" >"$fresh.log" 2>&1 ||
            { tail -n 15 "$fresh.log" >&2; remove_root "$fresh"; return 1; }
        rm -f "$fresh.log"
        printf 'deb %s bookworm main\n' "$(mirror)" >"$fresh/etc/apt/sources.list"
        printf 'force-unsafe-io\n' >"$fresh/etc/dpkg/dpkg.cfg.d/unsafe-io"
        # No service starts inside, as none has a service manager.
        printf '#!/bin/sh\nexit 101\n' >"$fresh/usr/sbin/policy-rc.d"
        chmod 755 "$fresh/usr/sbin/policy-rc.d"
        keep bookworm "$fresh"
        remove_root "$fresh"
    fi
    if [[ ! -e $chroots/$name.tar.zst ]]; then
        echo "making the chroot $name (once)"
        tar -I zstd --numeric-owner -x -C "$root" -f "$chroots/bookworm.tar.zst"
        chmod 755 "$root"
        "$maker" "$root"
        keep "$name" "$root"
    else
        tar -I zstd --numeric-owner -x -C "$root" -f "$chroots/$name.tar.zst"
    fi
    chmod 755 "$root"  # a directory of mktemp is root's alone, and other users' programs are to run in it
}

# remove_root ROOT: with what is mounted in it taken off first.
remove_root() {
    local point
    while read -r point; do umount "$point"; done < <(
        awk -v root="$1/" 'index($2, root) == 1 { print $2 }' /proc/self/mounts | sort -r)
    rm -rf --one-file-system "$1"
}
