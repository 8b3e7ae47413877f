#!/usr/bin/env bash
# packaging/deploy/coordinators.yml, run from a desk against four booted machines that have nothing of kilter: their log is there,
# and a second run changes nothing. packaging/test-playbook.sh [DIR of amd64 packages, default build/packages/amd64]
#
# Needs root, ansible, systemd-container and what packaging/chroot.sh names. In place of SSH Ansible enters the containers: the
# machines have no SSH server to trust, and what is tested is what is done on them.
set -euo pipefail
# shellcheck source=packaging/machines.sh
source "$(dirname "${BASH_SOURCE[0]}")/machines.sh"
packages=${1:-$source_dir/build/packages/amd64}
command -v ansible-playbook >/dev/null || { echo "there is no ansible-playbook: apt-get install ansible-core" >&2; exit 1; }

# What Ansible's modules need, and a time service, which in the field comes from Debian's mirror.
more_packages='python3 python3-apt systemd-timesyncd'
make_base boot-python "$packages"
mkdir "$work/leaders" "$work/desk"
for number in 1 2 3 4; do
    boot "c$number" "$number"
    echo "${leader[c$number]}" >"$work/leaders/c$number"
done
cat >"$work/ssh" <<EOF
#!/usr/bin/env bash
exec nsenter -t "\$(cat "$work/leaders/\${*: -2:1}")" -m -u -i -n -p -- \\
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -c "\${*: -1}"
EOF
chmod 755 "$work/ssh"
give_street "$work/feeder.toml"
# The desk is this machine, with the command line from its package.
dpkg-deb -x "$packages"/kilter_*_amd64.deb "$work/desk-root"
cat >"$work/inventory.yml" <<EOF
all:
  vars:
    kilter_repository: file:/repository
    kilter_repository_key: $work/repository/kilter.gpg
    kilter_topology: $work/feeder.toml
    kilter_desk: $work/desk
  children:
    coordinators:
      vars: { ansible_become: false, ansible_ssh_executable: "$work/ssh", ansible_ssh_transfer_method: piped, ansible_python_interpreter: /usr/bin/python3 }
      hosts:
        c1: { kilter_endpoint: "tcp://10.77.0.1:7100" }
        c2: { kilter_endpoint: "tcp://10.77.0.2:7100" }
        c3: { kilter_endpoint: "tcp://10.77.0.3:7100" }
        c4: { kilter_endpoint: "tcp://10.77.0.4:7100" }
EOF
play() {
    PATH=$work/desk-root/usr/bin:$PATH ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False \
        timeout 500 ansible-playbook -i "$work/inventory.yml" "$source_dir/packaging/deploy/coordinators.yml"
}
if play >"$work/first.out" 2>&1; then ok "the playbook ran"; else wrong "the playbook ran"; tail -n 30 "$work/first.out"; fi
for name in c1 c2 c3 c4; do
    eventually 60 "$name has the coordinators' entry" at_least "$name" 9465 kilter_roster_epoch 1
done
check "the log verifies against genesis" \
    at c1 kilter log verify --genesis /var/lib/kilter-coordinator/genesis.bin /var/lib/kilter-coordinator
if play >"$work/second.out" 2>&1; then ok "it ran again"; else wrong "it ran again"; tail -n 30 "$work/second.out"; fi
changed=$(grep -E '^(c[1-4]|localhost) ' "$work/second.out" | grep -vc 'changed=0' || true)
check "and changed nothing" test "$changed" = 0
for run in first second; do sed -n '/^PLAY RECAP/,$p' "$work/$run.out" | sed 's/^/        /'; done
all_checked
