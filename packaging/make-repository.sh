#!/usr/bin/env bash
# A signed apt repository from built packages: packaging/make-repository.sh DIR PACKAGES...
#
#   packaging/make-repository.sh /srv/kilter build/packages/*/
#
# PACKAGES are .deb files or directories with some. DIR can be served by any web server, or named as file:DIR; run it again
# to add newer versions: older ones stay. The signing key is DIR-key (made when there is none; keep it off the server),
# its public half DIR/kilter.gpg. Prints what a machine's apt needs. Origin and label are "kilter", for pinning and for
# unattended-upgrades ("origin=kilter").
set -euo pipefail
repository=${1:?name the directory for the repository}
shift
(($#)) || { echo "name packages, or directories with some" >&2; exit 2; }
for tool in apt-ftparchive gpg dpkg-deb; do
    command -v "$tool" >/dev/null ||
        { echo "there is no $tool: apt-get install apt-utils gnupg dpkg" >&2; exit 1; }
done
mkdir -p "$repository"
repository=$(cd "$repository" && pwd)
architectures=(amd64 arm64 armhf)

packages=()
for place in "$@"; do
    if [[ -d $place ]]; then
        mapfile -t found < <(find "$place" -maxdepth 1 -name '*.deb' | sort)
        packages+=("${found[@]}")
    else
        packages+=("$place")
    fi
done
((${#packages[@]})) || { echo "there is no .deb in $*" >&2; exit 1; }
for package in "${packages[@]}"; do
    source=$(dpkg-deb -f "$package" Package)
    mkdir -p "$repository/pool/main/$source"
    target=$repository/pool/main/$source/$(basename "$package")
    if [[ -e $target ]] && ! cmp -s "$package" "$target"; then
        echo "$target is there with other content: a version that was published never changes; raise it" >&2
        exit 1
    fi
    cp --preserve=timestamps "$package" "$target"
done

export GNUPGHOME=$repository-key
if [[ ! -d $GNUPGHOME ]]; then
    mkdir -m 0700 "$GNUPGHOME"
    gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
        --quick-generate-key 'kilter packages' ed25519 sign never 2>/dev/null
fi
gpg --batch --quiet --yes --export --output "$repository/kilter.gpg"

cd "$repository"
suite=dists/bookworm
for arch in "${architectures[@]}"; do
    mkdir -p "$suite/main/binary-$arch"
    apt-ftparchive --arch "$arch" packages pool >"$suite/main/binary-$arch/Packages"
    gzip -nkf9 "$suite/main/binary-$arch/Packages"
done
rm -f "$suite"/Release "$suite"/InRelease "$suite"/Release.gpg
apt-ftparchive -o APT::FTPArchive::Release::Origin=kilter -o APT::FTPArchive::Release::Label=kilter \
    -o APT::FTPArchive::Release::Suite=bookworm -o APT::FTPArchive::Release::Codename=bookworm \
    -o APT::FTPArchive::Release::Components=main \
    -o APT::FTPArchive::Release::Architectures="${architectures[*]}" release "$suite" >"$suite/Release.new"
mv "$suite/Release.new" "$suite/Release"
gpg --batch --quiet --yes --clearsign --output "$suite/InRelease" "$suite/Release"
gpg --batch --quiet --yes --armor --detach-sign --output "$suite/Release.gpg" "$suite/Release"
cat <<EOF
On a machine: put kilter.gpg into /etc/apt/keyrings and this line into /etc/apt/sources.list.d/kilter.list
deb [signed-by=/etc/apt/keyrings/kilter.gpg] file:$repository bookworm main
EOF
