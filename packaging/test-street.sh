#!/usr/bin/env bash
# A street of machines, each a booted Debian 12 with its own systemd, address and packages, taken through docs/operating:
# four coordinators and three homes from nothing to a cleared market, then what goes wrong in the field.
#
#   packaging/test-street.sh [DIR of amd64 packages [DIR of the previous version's]]
#                            (default: build/packages/amd64, build/packages/previous/amd64 if there are some)
#
# With the previous version's packages two coordinators and two homes begin with these, trade with the others, and are
# upgraded one by one.
#
# Needs root, systemd-container, overlayfs and what packaging/chroot.sh names. The machines are systemd-nspawn containers on a
# bridge that leads nowhere else. Market intervals are one minute here. Takes about ten minutes, most of it waiting. KILTER_KEEP=1
# keeps the machines' files.
# shellcheck disable=SC2016  # the machine expands them, not this shell
set -euo pipefail
# shellcheck source=packaging/machines.sh
source "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
packages=${1:-$source_dir/build/packages/amd64}
previous=${2:-$source_dir/build/packages/previous/amd64}

# ---- machines --------------------------------------------------------------------------------------------------------
present=$(dpkg-deb -f "$packages"/kilter-agent_*_amd64.deb Version)
older=() before=$present
if compgen -G "$previous/kilter-agent_*_amd64.deb" >/dev/null; then
    before=$(dpkg-deb -f "$previous"/kilter-agent_*_amd64.deb Version)
    older=(c3 c4 h2 h3)
    make_base boot "$previous" "$packages"
else
    echo "no packages in $previous (packaging/build-packages.sh --rev previous): no mixed versions, no migration"
    make_base boot "$packages"
fi
knows_repository "$work/base"
# install_on NAME PACKAGE...: the version that this machine begins with.
install_on() {
    local name=$1 version=$present
    shift
    if [[ " ${older[*]} " == *" $name "* ]]; then version=$before; fi
    at "$name" apt-get update
    at "$name" apt-get install -y --no-install-recommends "${@/%/=$version}"
}
give() { cat >"$work/$1$2"; }   # MACHINE PATH <content
explains() { { at "$1" kilter-agent explain || true; } | grep -iE "$2" >/dev/null; }
version_on() { at "$1" dpkg-query -W -f '${Version}' "$2"; }

# ---- four coordinators (docs/operating/coordinators.md) --------------------------------------------------------------
coordinators=(c1 c2 c3 c4)
homes=(h1 h2 h3)
genesis=()
number=0
for name in "${coordinators[@]}"; do
    number=$((number + 1))
    boot "$name" "$number"
    install_on "$name" kilter-coordinator kilter >"$work/$name.apt" 2>&1
    give_street "$work/$name/etc/kilter/feeder.toml"
    printf '\n[gate]\nlead_ms = 30000\ngather_ms = 5000\n' >>"$work/$name/etc/kilter/coordinator.toml"
    genesis+=(--coordinator "$(at "$name" kilter-coordinator key)@tcp://10.77.0.$number:7100")
done
ok "four machines booted, kilter-coordinator installed, keys made"
check "without a genesis document nothing runs, and nothing has failed" \
    test "$(at c1 systemctl is-active kilter-coordinator; at c1 systemctl is-failed kilter-coordinator)" = $'inactive\ninactive'
# Machine c1 is the operator's desk as well. A log on which the version before takes part begins with rules that it knows.
[[ ${#older[@]} == 0 ]] || genesis+=(--ledger-rule 1)
at c1 sh -c 'cd /root && kilter keygen --out operator.key >/dev/null && exec kilter genesis --topology /etc/kilter/feeder.toml "$@"' \
    sh --interval-s 60 --horizon 96 "${genesis[@]}" >"$work/genesis.said"
at c1 install -D -m 0600 -o kilter-coordinator -g kilter-coordinator /root/coordinators.entry \
    /var/lib/kilter-coordinator/submit/coordinators.entry
for name in "${coordinators[@]}"; do
    [[ $name == c1 ]] || cp "$work/c1/root/genesis.bin" "$work/$name/root/genesis.bin"
    at "$name" install -m 0644 -o kilter-coordinator -g kilter-coordinator /root/genesis.bin \
        /var/lib/kilter-coordinator/genesis.bin
done
for name in "${coordinators[@]}"; do
    eventually 30 "$name started by itself and has the coordinators' entry" at_least "$name" 9465 kilter_roster_epoch 1
done

# ---- gateways and the street (gateway.md, street.md) -----------------------------------------------------------------
for name in "${homes[@]}"; do
    number=$((number + 1))
    boot "$name" "$number"
    if [[ $name == h1 ]]; then
        # A clock without a battery: some time service's waiting unit, which is not done yet.
        give h1 /etc/systemd/system/chrony-wait.service <<'EOF'
[Unit]
Before=time-sync.target
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=/bin/sh -c 'until test -e /run/clock-is-set; do sleep 0.1; done'
EOF
        at h1 systemctl daemon-reload
    fi
    install_on "$name" kilter-agent >"$work/$name.apt" 2>&1
    {
        printf 'name = "%s"\nnet = 0\ninterval_s = 60\nload_kw = [' "$name"
        awk -v shift="$number" 'BEGIN { for (i = 0; i < 1440; ++i) printf "%.1f, ", 0.2 + ((i / 15 + shift * 7) % 9) / 10 }'
        printf ']\n'
        if [[ $name != h3 ]]; then
            printf '[battery]\npower_max_kw = 3.0\nenergy_max_kwh = 8.0\nenergy_start_kwh = 4.0\nenergy_end_min_kwh = 2.0\n'
        fi
        printf '[forecast]\nnoise_fraction = 0.05\nseed = %d\n' "$number"
    } >"$work/$name/etc/kilter/home.toml"
    check "$name: the self-test passes" at "$name" kilter-agent --selftest
    request=$(at "$name" kilter-agent enroll --endpoint "tcp://10.77.0.$number:20001" | head -n 1)
    at c1 sh -c 'cd /root && exec kilter grant "$1" --net 0 --topology /etc/kilter/feeder.toml --out "$2.kilter"' \
        sh "$request" "$name" >"$work/$name.grant" 2>&1 || { wrong "$name is granted a certificate"; cat "$work/$name.grant"; }
    install -m 0600 "$work/c1/root/$name.kilter" "$work/$name/root/$name.kilter"
    at "$name" kilter-agent enroll --bundle "/root/$name.kilter" >"$work/$name.enrolled"
done
ok "three homes enrolled, from root's own files"
check "h1: enrolled, and not started before its clock is set" \
    test "$(at h1 systemctl is-active kilter-agent)" = inactive
check "h1: it waits for the time" sh -c "nsenter -t ${leader[h1]} -m -p systemctl list-jobs | grep -q 'kilter-agent.service .*waiting'"
at h1 touch /run/clock-is-set
eventually 20 "h1: started once the clock was set" at h1 systemctl is-active kilter-agent
for name in "${homes[@]}"; do
    eventually 150 "$name cleared and checked the proof" at_least "$name" 9464 kilter_session_certified_time_seconds 1
done
for name in "${older[@]}"; do
    case $name in c*) program=kilter-coordinator ;; *) program=kilter-agent ;; esac
    check "$name took part in that as version $before" test "$(version_on "$name" $program)" = "$before"
    [[ $name != c* ]] || eventually 10 "$name has the same log" at_least "$name" 9465 kilter_log_height "$(figure c1 9465 kilter_log_height)"
done
check "the log verifies against genesis" at c1 kilter log verify --genesis /root/genesis.bin /var/lib/kilter-coordinator
at h1 kilter-agent explain | sed 's/^/           h1: /' | head -n 4

# ---- what the units are worth ----------------------------------------------------------------------------------------
for unit in h1:kilter-agent c2:kilter-coordinator; do
    name=${unit%:*} unit=${unit#*:}
    exposure=$(at "$name" systemd-analyze security "$unit" --no-pager | sed -nE 's/.*exposure level for .*: ([0-9.]+) .*/\1/p')
    check "$unit: exposure $exposure is at most 1.5" awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.5) }'
    at "$name" systemctl show "$unit" -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic -p MainPID |
        awk -F= -v unit="$unit" '{ v[$1] = $2 } END { printf "           %s: from start to ready %d ms\n", unit,
            (v["ActiveEnterTimestampMonotonic"] - v["ExecMainStartTimestampMonotonic"]) / 1000 }'
    at "$name" sh -c "grep -E 'VmHWM|VmRSS' /proc/\$(systemctl show -P MainPID $unit)/status" | sed "s/^/           $unit: /"
done

# ---- writes per day --------------------------------------------------------------------------------------------------
# What the agent's process had written to a disk: /run is memory and does not count.
written() { at "$1" sh -c 'sed -n "s/^write_bytes: //p" /proc/$(systemctl show -P MainPID kilter-agent)/io'; }
sessions() { figure "$1" 9464 'kilter_sessions_total{outcome="converged"}'; }
at_start=$(written h1) sessions_at_start=$(sessions h1)

# ---- what goes wrong -------------------------------------------------------------------------------------------------
drop_in() { mkdir -p "$work/$1/etc/systemd/system/$2.service.d"; cat >"$work/$1/etc/systemd/system/$2.service.d/test.conf"; at "$1" systemctl daemon-reload; }
drop_in c4 kilter-coordinator <<<$'[Service]\nWatchdogSec=4\nRestartSec=1'
at c4 systemctl restart kilter-coordinator
at c4 sh -c 'kill -STOP $(systemctl show -P MainPID kilter-coordinator)'
eventually 30 "c4: hung, and restarted by the watchdog" \
    sh -c "test \"\$(nsenter -t ${leader[c4]} -m -p systemctl show -P NRestarts kilter-coordinator)\" -ge 1"
drop_in h3 kilter-agent <<<$'[Service]\nRestartSec=200ms'
for _ in 1 2 3 4 5 6; do
    at h3 systemctl kill -s KILL kilter-agent 2>/dev/null || true
    sleep 1
done
eventually 20 "h3: crashed in a loop, and is not started again" \
    sh -c "test \"\$(nsenter -t ${leader[h3]} -m -p systemctl is-failed kilter-agent)\" = failed"
eventually 10 "h3: in the safe state, and says so" explains h3 'at rest'
height=$(figure c2 9465 kilter_log_height)
eventually 150 "the others went on without h3" at_least c2 9465 kilter_log_height $((height + 1))

# ---- a dead coordinator (replace.md) ---------------------------------------------------------------------------------
shut_down c3
height=$(figure c2 9465 kilter_log_height)
eventually 150 "one coordinator off: the log goes on" at_least c2 9465 kilter_log_height $((height + 1))
ip netns del "$bridge-c3"
ip link del "kl$$-3" 2>/dev/null || true
boot c3new 3
install_on c3new kilter-coordinator kilter >"$work/c3new.apt" 2>&1
at c3new systemctl stop kilter-coordinator
cp -a "$work/c3/etc/kilter/." "$work/c3new/etc/kilter/"
cp -a "$work/c3/var/lib/kilter-coordinator/." "$work/c3new/var/lib/kilter-coordinator/"
at c3new chown -R kilter-coordinator: /var/lib/kilter-coordinator
at c3new systemctl start kilter-coordinator
eventually 60 "another machine with its disk's content is there, and has caught up" at_least c3new 9465 kilter_log_height $((height + 1))
check "its log verifies" at c3new kilter log verify --genesis /var/lib/kilter-coordinator/genesis.bin /var/lib/kilter-coordinator

# ---- restore (restore.md) --------------------------------------------------------------------------------------------
trades_again() { eventually 150 "$2" at_least "$1" 9464 kilter_session_certified_time_seconds "$3"; }
now=$(date +%s)
at h3 sh -c 'systemctl stop kilter-agent; cp -a /etc/kilter /var/lib/kilter-agent/agent.key /var/lib/kilter-agent/genesis.bin /root/
    apt-get purge -y kilter-agent && apt-get install -y --no-install-recommends kilter-agent && systemctl stop kilter-agent
    cp /root/kilter/* /etc/kilter/
    install -m 0600 -o kilter-agent -g kilter-agent /root/agent.key /var/lib/kilter-agent/agent.key
    install -m 0644 -o kilter-agent -g kilter-agent /root/genesis.bin /var/lib/kilter-agent/genesis.bin
    systemctl reset-failed kilter-agent; systemctl start kilter-agent' >"$work/h3.restored" 2>&1 ||
    wrong "h3: its files come back"
eventually 60 "h3: restored from its configuration, key and genesis, has the roster again" at_least h3 9464 kilter_roster_epoch 4
trades_again h3 "h3: trades again" "$now"

# ---- upgrade, and back (upgrade.md) ----------------------------------------------------------------------------------
upgrade() { at "$1" sh -c 'apt-get update && apt-get upgrade -y'; }
# kept NAME FILE: what a migration left beside a store.
kept() { test "$(at "$1" stat -c %a "$2.format-1")" = 600 && at "$1" test -s "$2"; }
key=$(at h2 kilter-agent key) pid=$(at h2 systemctl show -P MainPID kilter-agent)
if ((${#older[@]})); then
    height=$(figure c2 9465 kilter_log_height)
    upgrade c4 >"$work/c4.upgrade" 2>&1
    check "c4: upgraded from $before to $present" test "$(version_on c4 kilter-coordinator)" = "$present"
    eventually 60 "c4: is back, and at the others' height" at_least c4 9465 kilter_log_height "$height"
    for store in log.db market.db; do check "c4: $store as it was is kept" kept c4 /var/lib/kilter-coordinator/$store; done
    check "c4: its log verifies" at c4 kilter log verify --genesis /var/lib/kilter-coordinator/genesis.bin /var/lib/kilter-coordinator
    check "c3: its stores were brought up to date on the new machine" kept c3new /var/lib/kilter-coordinator/log.db
    now=$(date +%s)
    upgrade h2 >"$work/h2.upgrade" 2>&1
    check "h2: upgraded from $before to $present" test "$(version_on h2 kilter-agent)" = "$present"
    eventually 30 "h2: its memory as it was is kept" kept h2 /var/lib/kilter-agent/agent.db
    trades_again h2 "h2: trades again after its upgrade" "$now"
    at h2 apt-get install -y --allow-downgrades "kilter-agent=$before" >"$work/h2.downgrade" 2>&1
    refused() { at h2 journalctl -u kilter-agent --no-pager | grep 'agent.db was written by a newer version' >/dev/null; }
    eventually 30 "h2: $before says that the memory is a newer version's" refused
    now=$(date +%s)
    upgrade h2 >>"$work/h2.upgrade" 2>&1
    at h2 sh -c 'systemctl reset-failed kilter-agent; systemctl start kilter-agent'
else
    dpkg-deb -R "$packages"/kilter-agent_*_amd64.deb "$work/newer"
    sed -i -E 's/^Version: (.*)/Version: \1+later/' "$work/newer/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$work/newer" "$work/h2/root/newer.deb" >/dev/null
    now=$(date +%s)
    at h2 dpkg -i /root/newer.deb >"$work/h2.upgrade" 2>&1
fi
check "h2: upgraded, restarted, same key" \
    test "$(at h2 kilter-agent key)" = "$key" -a "$(at h2 systemctl show -P MainPID kilter-agent)" != "$pid"
trades_again h2 "h2: trades again" "$now"

# ---- a coordinator whose disk is gone (replace.md) -------------------------------------------------------------------
lost=$(at c4 kilter-coordinator key)
shut_down c4
boot c5 8
install_on c5 kilter-coordinator kilter >"$work/c5.apt" 2>&1
give_street "$work/c5/etc/kilter/feeder.toml"
printf '\n[gate]\nlead_ms = 30000\ngather_ms = 5000\n' >>"$work/c5/etc/kilter/coordinator.toml"
newcomer="$(at c5 kilter-coordinator key)@tcp://10.77.0.8:7100"
cp "$work/c1/root/genesis.bin" "$work/c5/root/genesis.bin"
at c5 install -m 0644 -o kilter-coordinator -g kilter-coordinator /root/genesis.bin /var/lib/kilter-coordinator/genesis.bin
on_desk() { at c1 sh -c 'cd /root && exec kilter "$@"' sh "$@" >>"$work/members" 2>&1 || { wrong "kilter $*"; tail -n 3 "$work/members"; }; }
on_desk rekey "${lost:0:8}" "$newcomer"
eventually 60 "c5: has a key of its own, and follows the log" at_least c5 9465 kilter_log_height "$(figure c2 9465 kilter_log_height)"
on_desk members draft --replace "${lost:0:8}=$newcomer" --out next.members
from=c1
for name in c1 c2 c3new; do
    [[ $name == "$from" ]] || cp "$work/$from/root/next.members" "$work/$name/root/next.members"
    check "$name: its operator signs the next set of coordinators" at "$name" kilter-coordinator sign-members /root/next.members
    from=$name
done
in_epoch() { at "$1" "$2" status --json | grep -E "\"log_epoch\": ?$3\b" >/dev/null; }
for name in c1 c2 c3new c5; do eventually 60 "$name: in the log's next epoch" in_epoch "$name" kilter-coordinator 1; done
for name in h1 h2 h3; do eventually 150 "$name: follows the new coordinators" in_epoch "$name" kilter-agent 1; done
height=$(figure c5 9465 kilter_log_height)
at c2 systemctl stop kilter-coordinator
eventually 150 "c5 counts: c2 stopped, and the log goes on" at_least c5 9465 kilter_log_height $((height + 1))
at c2 systemctl start kilter-coordinator
eventually 60 "c2: is back" at_least c2 9465 kilter_log_height $((height + 1))
check "c5: its log verifies from genesis on" at c5 kilter log verify --genesis /var/lib/kilter-coordinator/genesis.bin /var/lib/kilter-coordinator

# ---- leave (leave.md) ------------------------------------------------------------------------------------------------
at c1 sh -c "cd /root && kilter revoke $(at h2 kilter-agent key | cut -c1-8)" >"$work/revoked" 2>&1 || wrong "h2 is revoked"
eventually 30 "h2: has left, and knows it" explains h2 'no longer|not on|does not name|left|revoked'
at h2 kilter-agent explain | sed 's/^/           h2: /' | head -n 2
idle_start=$(written h2)
sleep 20
printf '           writes: %d bytes in 20 s of an idle agent\n' $(($(written h2) - idle_start))
at h2 apt-get purge -y kilter-agent >"$work/h2.purge" 2>&1
check "h2: its agent was stopped" sh -c "! nsenter -t ${leader[h2]} -m -p pgrep -x kilter-agent"
check "h2: nothing of the market is left on its disk" at h2 test ! -e /var/lib/kilter-agent -a ! -e /etc/kilter

now=$(written h1) done_sessions=$(($(sessions h1) - sessions_at_start))
if ((done_sessions > 0)); then
    per_session=$(((now - at_start) / done_sessions))
    printf '           writes: %d bytes in %d sessions of a trading agent, %d each; at 5-minute intervals %.1f MB a day\n' \
        $((now - at_start)) "$done_sessions" "$per_session" "$(awk -v b="$per_session" 'BEGIN { print b * 288 / 1e6 }')"
    check "writes: at most 50 MB a day" test $((per_session * 288)) -le 50000000
fi

# ---- a root that is not written to (gateway.md) ----------------------------------------------------------------------
shut_down h1
mv "$work/h1/var/lib/kilter-agent" "$work/h1.state"
mkdir "$work/h1/var/lib/kilter-agent"
rm "$work/h1/etc/systemd/system/chrony-wait.service"   # its clock is right
now=$(date +%s)
boot h1 5 --read-only --bind="$work/h1.state:/var/lib/kilter-agent" --tmpfs=/var/tmp --tmpfs=/var/log
check "h1: its root cannot be written" sh -c "! nsenter -t ${leader[h1]} -m touch /var/lib/x"
eventually 30 "h1: runs from a read-only root" at h1 systemctl is-active kilter-agent
trades_again h1 "h1: trades from a read-only root" "$now"

check "a bundle is made on a coordinator, with its log" at c2 sh -c 'cd /root && kilter bundle && tar -tzf kilter-coordinator-*.tar.gz | grep -q log.txt'
check "no unit has failed but those that were made to" \
    test "$(for m in c1 c2 c3new c5 h1; do at "$m" systemctl --failed --no-legend | grep kilter; done)" = ""
if ((failures)); then
    for name in "${!leader[@]}"; do
        echo "---- $name"
        at "$name" journalctl --no-pager -n 25 -u 'kilter-*' 2>/dev/null || true
    done
fi
all_checked
