#!/bin/bash
# How long after the network is back do two ends hear each other again? Real Hubs in two network namespaces; all packets
# between them are dropped for so many seconds. Needs root.
#     tests/bench/reconnect.sh build/release/bin/reconnect [SECONDS...]
set -euo pipefail
program=$1
shift
outages=("$@")
((${#outages[@]})) || outages=(1 2 3 4 5 10 10 10 20 60)
ends=(kilter-reconnect-0 kilter-reconnect-1)
folder=$(mktemp -d)
pids=()
clean_up() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for end in "${ends[@]}"; do ip netns del "$end" 2>/dev/null || true; done
    rm -r "$folder"
}
trap clean_up EXIT

for i in 0 1; do ip netns add "${ends[i]}"; done
ip link add kilter-end netns "${ends[0]}" type veth peer name kilter-end netns "${ends[1]}"
for i in 0 1; do
    ip -n "${ends[i]}" address add "192.0.2.$((i + 1))/24" dev kilter-end
    ip -n "${ends[i]}" link set kilter-end up
done
for i in 0 1; do
    ip netns exec "${ends[i]}" "$program" $i "tcp://192.0.2.$((i + 1)):9000" "tcp://192.0.2.$((2 - i)):9000" >"$folder/$i" &
    pids+=($!)
done
macs=()
for i in 0 1; do macs[i]=$(ip netns exec "${ends[i]}" cat /sys/class/net/kilter-end/address); done
towards() { # end|other: to whom packets are addressed; what is for another machine is dropped by who gets it
    for i in 0 1; do
        mac=${macs[1 - i]}
        [[ $1 == other ]] && mac=02:00:00:00:00:0$i
        ip -n "${ends[i]}" neighbour replace "192.0.2.$((2 - i))" lladdr "$mac" dev kilter-end nud permanent
    done
}
heard() { # SINCE END: when END heard again, milliseconds since 1970; waits for it
    local line
    for ((tries = 0; tries < 3000; ++tries)); do
        line=$(awk -v since="$1" '$1 >= since { print $1; exit }' "$folder/$2")
        [[ $line ]] && echo "$line" && return
        sleep 0.01
    done
    echo "end $2 heard nothing within 30 s" >&2
    return 1
}
for i in 0 1; do heard 0 $i >/dev/null; done
for outage in "${outages[@]}"; do
    sleep 1
    towards other
    sleep "$outage"
    towards end
    back=$(date +%s%3N)
    printf '%3s s without a network: heard again after %5d and %5d ms\n' "$outage" \
        $(($(heard "$((back - 50))" 0) - back)) $(($(heard "$((back - 50))" 1) - back))
done
