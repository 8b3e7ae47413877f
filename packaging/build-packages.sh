#!/usr/bin/env bash
# Builds the Debian 12 packages of the committed tree in a clean chroot, without a network but for its packages.
#
#   packaging/build-packages.sh [--arch amd64|arm64|armhf] [--out DIR] [--rev REV] [--no-ccache]
#
# REV is a commit (default HEAD), or "previous": the last one of the version before this one. Run as root on Debian 12. The first run for an architecture makes a chroot with what packaging/debian/control asks for
# and keeps it as a tar file; every build unpacks it anew. arm64 and armhf are cross-built. Same commit, same bytes:
# every time stamp is the commit's. The packages and the build's log end up in DIR (default: build/packages/ARCH, of another
# REV build/packages/REV/ARCH).
#
# KILTER_CHROOTS  where tar files are kept        (default: /var/cache/kilter)
# KILTER_MIRROR   Debian's packages come from here (default: what this machine's apt uses)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/chroot.sh
source "$here/chroot.sh"

arch=amd64 out='' ccache=yes rev=HEAD
while (($#)); do
    case $1 in
        --arch) arch=${2:?--arch needs an architecture}; shift 2 ;;
        --out) out=${2:?--out needs a directory}; shift 2 ;;
        --rev) rev=${2:?--rev needs a commit, or "previous"}; shift 2 ;;
        --no-ccache) ccache=no; shift ;;
        *) echo "unknown option $1; known are --arch, --out, --rev and --no-ccache" >&2; exit 2 ;;
    esac
done
case $arch in
    amd64 | arm64 | armhf) ;;
    *) echo "architecture $arch is not built: use amd64, arm64 or armhf" >&2; exit 2 ;;
esac
if [[ $rev == HEAD ]]; then out=${out:-$source_dir/build/packages/$arch}; fi
out=${out:-$source_dir/build/packages/$rev/$arch}
if [[ $rev == previous ]]; then
    rev=$(git -C "$source_dir" log -1 --format=%H -G'^project\(kilter VERSION' -- CMakeLists.txt)^
fi
native=$(dpkg --print-architecture)
cross=() flags=(-us -uc)
if [[ $arch != "$native" ]]; then
    cross=(-a "$arch" "-Pcross,nocheck")
    flags+=(-b "-a$arch" "-Pcross,nocheck")
fi

# The compiler cache is told no base directory: it would shorten paths, and with them the debug information and so the build's
# id. As it is, a build from the cache has the bytes of one without.

# The committed tree, as the source package has it: packaging/debian is its debian directory.
version=$(git -C "$source_dir" show "$rev:packaging/debian/changelog" | sed -nE '1s/.*\(([^-]+)-.*/\1/p')
epoch=$(git -C "$source_dir" log -1 --format=%ct "$rev")
unpack_source() {
    mkdir -p "$1"
    git -C "$source_dir" archive --prefix="kilter-$version/" "$rev" | tar -x -C "$1"
    find "$1" -exec touch -h -d "@$epoch" {} +
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" --exclude='packaging/debian' \
        -C "$1" -c "kilter-$version" | gzip -n >"$1/kilter_$version.orig.tar.gz"
    mv "$1/kilter-$version/packaging/debian" "$1/kilter-$version/debian"
}

# make_build_chroot ROOT: what the build needs, nothing else.
make_build_chroot() {
    local root=$1 control=$1/tmp/control
    if [[ $arch != "$native" ]]; then chroot "$root" dpkg --add-architecture "$arch"; fi
    mkdir -p "$control/debian"
    for file in control changelog; do git -C "$source_dir" show "$rev:packaging/debian/$file" >"$control/debian/$file"; done
    in_root "$root" apt-get update
    in_root "$root" apt-get install -y --no-install-recommends build-essential ccache
    if [[ $arch != "$native" ]]; then
        in_root "$root" apt-get install -y --no-install-recommends "crossbuild-essential-$arch"
    fi
    in_root "$root" apt-get build-dep -y --no-install-recommends "${cross[@]}" /tmp/control
    rm -rf "$control"
    in_root "$root" apt-get clean
}

root=$(mktemp -d "${TMPDIR:-/tmp}/kilter-build-XXXXXX")
trap 'remove_root "$root"' EXIT
# The dependencies are part of the name: a changed list makes a new chroot.
asked=$(git -C "$source_dir" show "$rev:packaging/debian/control" | sed -n '/^Build-Depends/,/^Standards/p' | sha256sum | cut -c1-8)
unpack_root "$root" "build-$arch-$asked" make_build_chroot
unpack_source "$root/src"
mkdir -p "$out" "$root/ccache"
if [[ $ccache == yes ]]; then
    mkdir -p "$chroots/ccache"
    mount --bind "$chroots/ccache" "$root/ccache"
fi
started=$SECONDS
log=$out/build.log
build=(env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH="$epoch"
    CCACHE_DIR=/ccache
    DEB_BUILD_OPTIONS="parallel=${KILTER_JOBS:-$(nproc)}")
if [[ $ccache == no ]]; then build+=(CCACHE_DISABLE=1); fi
if [[ $arch != "$native" ]]; then build+=(CCACHE_COMPILERCHECK=content); fi
# Nothing but the loopback: a build that downloads fails.
unshare --net --mount sh -c "ip link set lo up; cd /; exec \"\$@\"" sh \
    chroot "$root" "${build[@]}" sh -c "cd /src/kilter-$version && exec dpkg-buildpackage ${flags[*]}" \
    >"$log" 2>&1 </dev/null || {
    grep -nE '(: (fatal )?error: |dpkg-[a-z]*: error|CMake Error)' "$log" | head -n 20 || true
    printf '%s\n' "--- the last lines of $log:" >&2
    tail -n 20 "$log" >&2
    exit 1
}
find "$root/src" -maxdepth 1 -type f -exec cp --preserve=timestamps -t "$out" {} +
printf 'built for %s in %d s:\n' "$arch" $((SECONDS - started))
(cd "$out" && stat -c '%9s  %n' -- *.deb)
