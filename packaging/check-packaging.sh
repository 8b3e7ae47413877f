#!/usr/bin/env bash
# What can be said about the packages without building them, in seconds and without root. What needs a tool that is not
# here says so and is left out. Argument: where the built programs are (default: build/release/bin).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/.." && pwd)
programs=${1:-$source_dir/build/release/bin}
# shellcheck source=packaging/checks.sh
source "$here/checks.sh"
# with TOOL WHAT COMMAND...
with() {
    local tool=$1 what=$2
    shift
    if ! command -v "$tool" >/dev/null; then printf 'skipped %s: there is no %s\n' "$what" "$tool"; return; fi
    check "$@"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$source_dir"
with shellcheck "scripts" shellcheck -x packaging/*.sh packaging/completion/kilter packaging/debian/*.post* packaging/debian/*.pre*

packaged=$(sed -nE '1s/^kilter \(([^-]+)-.*/\1/p' packaging/debian/changelog)
built=$(sed -nE 's/^project\(kilter VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)
if [[ $packaged == "$built" ]]; then ok "version $built"; else wrong "CMakeLists.txt says $built, the changelog $packaged"; fi

# A package refuses to be installed above stores that its program could not read.
known=$(sed -nE 's/^inline constexpr int store_format = ([0-9]+);.*/\1/p' common/storage/database.hpp)
for script in packaging/debian/*.preinst; do
    if grep -qx "format=$known" "$script"; then ok "$(basename "$script") knows format $known"; else wrong "$script: the programs write format $known"; fi
done

# Settings that differ from what the version before shipped make upgrades ask owners about theirs, and fail where nobody answers.
previous=$(git log -1 --format=%H -G'^project\(kilter VERSION' -- CMakeLists.txt 2>/dev/null || true)
if [[ -n $previous ]] && git cat-file -e "$previous^:packaging/debian/etc" 2>/dev/null; then
    changed=$(git diff --name-only --diff-filter=MD "$previous^" -- packaging/debian/etc)
    if [[ -z $changed ]]; then ok "settings as the version before shipped them"; else wrong "$changed: not as the version before shipped it"; fi
else
    printf 'skipped settings as the version before shipped them: that version is not in this copy of the repository\n'
fi

# Every file that a package takes from the tree is there, and every manual page is made.
missing=''
for list in packaging/debian/*.install packaging/debian/*.docs; do
    while read -r from _; do
        case $from in
            usr/*) ;;
            debian/*) compgen -G "packaging/$from" >/dev/null || missing+=" $list:$from" ;;
            *) compgen -G "$from" >/dev/null || missing+=" $list:$from" ;;
        esac
    done <"$list"
done
if [[ -z $missing ]]; then ok "files of the packages"; else wrong "not there:$missing"; fi
pages_listed() { (cd "$work/man" && for page in *; do grep -qx "debian/man/$page" "$source_dir"/packaging/debian/*.manpages || { echo "$page is in no package"; exit 1; }; done); }
if command -v lowdown >/dev/null; then
    packaging/make-man-pages.sh "$work/man"
    with lowdown "manual pages are packaged" pages_listed
    lint_pages() { local said; said=$(mandoc -T lint -W warning "$work"/man/* 2>&1) || true; [[ -z $said ]] || { echo "$said" | head; return 1; }; }
    with mandoc "manual pages render without a warning" lint_pages
else
    echo "skipped manual pages: there is no lowdown"
fi

# Each command and option that --help shows is documented, and so in the manual pages.
undocumented=''
# options PROGRAM COMMAND...: of it and of what is below it.
options() {
    local help
    help=$("$programs/$1" "${@:2}" --help)
    local option command
    # shellcheck disable=SC2013  # words, not lines
    for option in $(grep -oE -- '^ +(-[a-z],)?--[a-z][a-z-]*' <<<"$help" | grep -oE -- '--[a-z-]+'); do
        [[ $option == --help ]] || grep -qF -- "$option" docs/cli.md || undocumented+=" '$* $option'"
    done
    # shellcheck disable=SC2013
    for command in $(sed -n '/^Subcommands:/,/^$/p' <<<"$help" | sed -nE 's/^  ([a-z][a-z-]*) .*/\1/p'); do
        grep -qE -- "$command" docs/cli.md || undocumented+=" '$* $command'"
        options "$@" "$command"
    done
}
if [[ -x $programs/kilter && -x $programs/kilter-agent && -x $programs/kilter-coordinator ]]; then
    for program in kilter kilter-agent kilter-coordinator; do options "$program"; done
    if [[ -z $undocumented ]]; then ok "every command and option is documented"; else wrong "docs/cli.md lacks$undocumented"; fi
    complete_words() {
        # shellcheck disable=SC1091
        (PATH=$programs:$PATH && . packaging/completion/kilter && COMP_WORDS=(kilter log verify --gen) COMP_CWORD=3 && _kilter &&
            [[ ${COMPREPLY[*]} == --genesis ]] && COMP_WORDS=(kilter-agent enr) COMP_CWORD=1 && _kilter && [[ ${COMPREPLY[*]} == enroll ]])
    }
    with bash "bash completion" complete_words
else
    echo "skipped options and completion: the programs are not in $programs"
fi

# Units: known words only, and exposed as little as docs/operating promises.
for unit in kilter-agent kilter-coordinator kilter-agent.kilter-agent-safe; do
    cp "packaging/debian/$unit.service" "$work/${unit#kilter-agent.}.service"
done
for unit in "$work"/*.service; do
    with systemd-analyze "$(basename "$unit"): exposure at most 1.5" \
        systemd-analyze security --offline=true --threshold=15 --no-pager "$unit"
done

with python3 "dashboard is JSON" python3 -c 'import json, sys; json.load(open(sys.argv[1]))' packaging/deploy/grafana-dashboard.json
with ansible-playbook "playbook" ansible-playbook --syntax-check -i packaging/deploy/inventory.yml packaging/deploy/coordinators.yml
all_checked
