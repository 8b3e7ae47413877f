#!/usr/bin/env bash
# The packages for another processor, installed by apt in a clean Debian 12 and run under qemu-user: the self-test, two homes
# that clear with four coordinators, what one agent takes, and whether sessions end in the same bits as on amd64.
#
#   packaging/test-foreign.sh arm64|armhf [DIR of packages [DIR of amd64 packages of the same version]]
#                                         (default: build/packages/ARCH, build/packages/amd64)
#
# Needs root, qemu-user-static and what packaging/chroot.sh names. The kernel need not know the other processor's programs:
# each is started through qemu by name.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/chroot.sh
source "$here/chroot.sh"
# shellcheck source=packaging/checks.sh
source "$here/checks.sh"
# shellcheck source=packaging/street.sh
source "$here/street.sh"
arch=${1:?name the architecture: arm64 or armhf}
packages=${2:-$source_dir/build/packages/$arch}
native=${3:-$source_dir/build/packages/amd64}
case $arch in
    arm64) qemu=qemu-aarch64-static triplet=aarch64-linux-gnu ;;
    armhf) qemu=qemu-arm-static triplet=arm-linux-gnueabihf ;;
    *) echo "architecture $arch is not built: use arm64 or armhf" >&2; exit 2 ;;
esac
command -v $qemu >/dev/null || { echo "there is no $qemu: apt-get install qemu-user-static" >&2; exit 1; }

root=$(mktemp -d "${TMPDIR:-/tmp}/kilter-foreign-XXXXXX")
demo=''
trap '[[ -z $demo ]] || kill "$demo" 2>/dev/null || true; wait; remove_root "$root"' EXIT
with_foreign_libraries() {
    chroot "$1" dpkg --add-architecture "$arch"
    in_root "$1" apt-get update
    in_root "$1" apt-get install -y --no-install-recommends adduser init-system-helpers \
        "${libraries[@]}" "${libraries[@]/%/:$arch}" "libstdc++6:$arch"
    in_root "$1" apt-get clean
}
unpack_root "$root" "foreign-$arch-$with_libraries" with_foreign_libraries
mkdir "$root/packages"
cp "$packages"/kilter{,-agent,-coordinator}_*_"$arch".deb "$root/packages/"
cp "$(command -v $qemu)" "$root/usr/bin/"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"

for package in "$root"/packages/*.deb; do
    size=$(stat -c %s "$package")
    check "$(basename "$package"): $size bytes, at most 3 MB" test "$size" -le 3000000
done
check "apt installs them with what they depend on" \
    in_root "$root" sh -c 'apt-get install -y --no-install-recommends /packages/*.deb'
# The daemons are started by others (kilter demo): through a script in their place.
mkdir "$root/usr/lib/kilter-foreign"
for program in kilter-agent kilter-coordinator; do
    mv "$root/usr/bin/$program" "$root/usr/lib/kilter-foreign/"
    printf '#!/bin/sh\nexec /usr/bin/%s /usr/lib/kilter-foreign/%s "$@"\n' "$qemu" "$program" >"$root/usr/bin/$program"
    chmod 755 "$root/usr/bin/$program"
done
run() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
machine() { od -An -tx1 -j4 -N2 "$1"; od -An -tx1 -j18 -N2 "$1"; }   # class, byte order and processor of an ELF file
check "the programs are $arch's" \
    test "$(machine "$root/usr/lib/kilter-foreign/kilter-agent")" = "$(machine "$root/lib/$triplet/libc.so.6")"
check "the self-test passes" run kilter-agent --selftest

# A street in one process: two processors must agree on every bit, as homes and coordinators of both meet on one feeder.
give_street "$root/root/street.toml" upper lower
if compgen -G "$native/kilter_*_amd64.deb" >/dev/null; then
    dpkg-deb -x "$native"/kilter_*_amd64.deb "$root/native"
    simulation=(simulate /root/street.toml --homes-seed 3 --homes-per-net 3 --intervals 3 --first 1978148 --json)
    check "a street on $arch" run $qemu /usr/bin/kilter "${simulation[@]}" /root/foreign.json
    check "the same on amd64" run /native/usr/bin/kilter "${simulation[@]}" /root/native.json
    if [[ $arch == arm64 ]]; then
        # All but one figure of the report, the nonlinear power flow's margin: magnitudes are libm's, which may differ.
        check "same problem and same results, byte for byte ($(stat -c %s "$root/root/native.json") bytes)" \
            cmp <(grep -v '^ *"by": ' "$root/root/foreign.json") <(grep -v '^ *"by": ' "$root/root/native.json")
    else
        # Without vectors of doubles homes add in another order, and are a rounding apart before their answers are rounded.
        apart=$(python3 - "$root/root/foreign.json" "$root/root/native.json" <<'EOF'
import json, sys
def numbers(value, path=''):
    if isinstance(value, dict):
        for key in value: yield from numbers(value[key], path + '/' + key)
    elif isinstance(value, list):
        for i, one in enumerate(value): yield from numbers(one, f'{path}/{i}')
    else: yield path, value
foreign, native = (dict(numbers(json.load(open(name)))) for name in sys.argv[1:])
assert foreign.keys() == native.keys(), 'other fields'
apart = 0.0
for path, value in foreign.items():
    if isinstance(value, float) or isinstance(native[path], float): apart = max(apart, abs(value - native[path]))
    elif 'digest' not in path: assert value == native[path], (path, value, native[path])
print(apart)
EOF
        ) || apart=1
        check "same results, no number more than 0.00001 apart ($apart)" awk -v apart="$apart" 'BEGIN { exit !(apart <= 1e-5) }'
    fi
else
    echo "skipped: there is no kilter for amd64 in $native to compare with"
fi

# Two homes on one net, four coordinators, two intervals: six processes through the emulator.
give_street "$root/root/street.toml"
run $qemu /usr/bin/kilter demo /root/street.toml --homes-per-net 2 --intervals 2 --seconds-max 300 >"$root/demo.out" 2>&1 &
demo=$!
# The most that each agent's process held, and without the emulator: its own file, its heap, and the pages that it
# translates to (writable and executable at once).
declare -A held_kb=() own_kb=()
while kill -0 "$demo" 2>/dev/null; do
    for process in $(pgrep -f "^/usr/bin/$qemu /usr/lib/kilter-foreign/kilter-agent run" || true); do
        read -r all own < <(awk -v qemu="$qemu" '
            /^[0-9a-f]+-[0-9a-f]+ / { emulator = $2 ~ /w.?x/ || index($0, qemu) || $6 == "[heap]" }
            $1 == "Rss:" { all += $2; if (!emulator) own += $2 }
            END { print all + 0, own + 0 }' "/proc/$process/smaps" 2>/dev/null || echo 0 0)
        ((all <= ${held_kb[$process]:-0})) || held_kb[$process]=$all
        ((own <= ${own_kb[$process]:-0})) || own_kb[$process]=$own
    done
    sleep 1
done
status=0
wait "$demo" || status=$?
demo=''
sed 's/^/        /' "$root/demo.out"
check "two homes clear, and what they leave verifies" test "$status" = 0
most=0 most_own=0
for process in "${!held_kb[@]}"; do
    ((held_kb[$process] <= most)) || most=${held_kb[$process]}
    ((own_kb[$process] <= most_own)) || most_own=${own_kb[$process]}
done
printf '        an agent held at most %d kB, the emulator included; %d kB without it\n' "$most" "$most_own"
check "an agent holds at most 24 MB" test "$most_own" -gt 0 -a "$most_own" -le 24000
all_checked
