# Sourced by the tests that boot machines: systemd-nspawn containers of a clean Debian 12 on a bridge that leads nowhere else,
# with addresses 10.77.0.NUMBER and a signed repository on their disk as the only source of packages.
# shellcheck shell=bash disable=SC2034

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/chroot.sh
source "$here/chroot.sh"
# shellcheck source=packaging/checks.sh
source "$here/checks.sh"
# shellcheck source=packaging/street.sh
source "$here/street.sh"
command -v systemd-nspawn >/dev/null || { echo "there is no systemd-nspawn: apt-get install systemd-container" >&2; exit 1; }

# eventually SECONDS WHAT COMMAND...: COMMAND succeeds within that time.
eventually() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS > end)); then wrong "$what"; return; fi
        sleep 0.5
    done
    ok "$what"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/kilter-street-XXXXXX")
bridge=kltr$$
declare -A leader=() nspawn=()
clean_up() {
    local name
    for name in "${!nspawn[@]}"; do
        kill -s SIGRTMIN+4 "${leader[$name]}" 2>/dev/null || true
    done
    for name in "${!nspawn[@]}"; do
        timeout 10 tail --pid="${nspawn[$name]}" -f /dev/null || kill -KILL "${nspawn[$name]}" 2>/dev/null || true
        ip netns del "$bridge-$name" 2>/dev/null || true
    done
    ip link del "$bridge" 2>/dev/null || true
    if [[ -z ${KILTER_KEEP:-} ]]; then remove_root "$work"; else echo "kept: $work"; fi
}
trap clean_up EXIT

with_systemd() {
    in_root "$1" apt-get update
    # shellcheck disable=SC2086  # words
    in_root "$1" apt-get install -y --no-install-recommends systemd-sysv adduser init-system-helpers curl procps \
        "${libraries[@]}" ${more_packages:-}
    in_root "$1" apt-get clean
    rm -f "$1/usr/sbin/policy-rc.d"
}

# make_base NAME DIR...: what every machine begins as, kept as NAME, with the amd64 packages in the directories in its
# repository. $more_packages are in it as well.
make_base() {
    local name=$1 directory
    shift
    mkdir "$work/base"
    unpack_root "$work/base" "$name-$with_libraries" with_systemd
    for directory in "$@"; do
        "$here/make-repository.sh" "$work/repository" "$directory"/kilter{,-agent,-coordinator}_*_amd64.deb >/dev/null
    done
    cp -a "$work/repository" "$work/base/"
    rm -f "$work/base/etc/apt/sources.list"
    ip link add "$bridge" type bridge
    ip link set "$bridge" up
}
# knows_repository ROOT: docs/operating/packages.md.
knows_repository() {
    mkdir -p "$1/etc/apt/keyrings"
    cp "$work/repository/kilter.gpg" "$1/etc/apt/keyrings/"
    echo 'deb [signed-by=/etc/apt/keyrings/kilter.gpg] file:/repository bookworm main' >"$1/etc/apt/sources.list.d/kilter.list"
}

# boot NAME NUMBER [OPTION...]: a machine at 10.77.0.NUMBER, fresh at first.
boot() {
    local name=$1 number=$2 root=$work/$1
    shift 2
    if [[ ! -d $root ]]; then
        mkdir -p "$root" "$work/$name.upper" "$work/$name.work"
        mount -t overlay overlay -o "lowerdir=$work/base,upperdir=$work/$name.upper,workdir=$work/$name.work" "$root"
        echo "$name" >"$root/etc/hostname"
        tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
        ip netns add "$bridge-$name"
        ip link add "kl$$-$number" type veth peer name host0 netns "$bridge-$name"
        ip link set "kl$$-$number" master "$bridge" up
        ip -n "$bridge-$name" link set lo up
        ip -n "$bridge-$name" address add "10.77.0.$number/24" dev host0
        ip -n "$bridge-$name" link set host0 up
    fi
    systemd-nspawn -q -D "$root" --machine="$bridge-$name" --register=no --keep-unit --console=pipe \
        --network-namespace-path="/run/netns/$bridge-$name" "$@" -b >"$work/$name.console" 2>&1 </dev/null &
    nspawn[$name]=$!
    local end=$((SECONDS + 30))
    until leader[$name]=$(pgrep -P "${nspawn[$name]}" | head -n 1) && [[ -n ${leader[$name]} ]] &&
        [[ $(at "$name" systemctl is-system-running 2>/dev/null) =~ running|degraded ]]; do
        if ((SECONDS > end)); then wrong "$name boots"; return 1; fi
        sleep 0.2
    done
}
shut_down() {
    kill -s SIGRTMIN+4 "${leader[$1]}"
    timeout 20 tail --pid="${nspawn[$1]}" -f /dev/null || true
    unset "nspawn[$1]"
}
# at NAME COMMAND...: on that machine.
at() {
    local name=$1
    shift
    timeout 120 nsenter -t "${leader[$name]}" -m -u -i -n -p -- env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}
figure() { at "$1" curl -sf "127.0.0.1:$2/metrics" | awk -v name="$3" '$1 == name { printf "%d", $2 }'; }
at_least() { local found; found=$(figure "$1" "$2" "$3"); [[ -n $found ]] && ((found >= $4)); }
