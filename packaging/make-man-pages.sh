#!/usr/bin/env bash
# Manual pages from the pages under docs/, which are their only source: packaging/make-man-pages.sh DIR
#
# A page is one Markdown file, or the part of one below a heading of the first level, in man's format by lowdown.
# shellcheck disable=SC2016  # backquotes are Markdown's
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:?name the directory for the pages}
command -v lowdown >/dev/null || { echo "there is no lowdown: apt-get install lowdown" >&2; exit 1; }
mkdir -p "$out"
date=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%d)

# part FILE FIRST-LINE-PATTERN: from the heading that matches to the next of its level, code blocks aside.
part() {
    awk -v wanted="$2" '/^```/ { code = !code }
        /^# / && !code { inside = $0 ~ wanted; next }
        inside' "$1"
}

# page NAME SECTION ONE-LINE <text: headings move one level up where the text has none of the first. Links to other pages
# lose their target: it is not where the reader is.
page() {
    local name=$1 section=$2 line=$3
    {
        printf '# NAME\n\n%s - %s\n\n# DESCRIPTION\n\n' "$name" "$line"
        awk '/^```/ { code = !code } !code { sub(/^## /, "# "); sub(/^### /, "## ") } { print }' |
            sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g'
        printf '\n# SEE ALSO\n\nkilter(1), kilter-agent(8), kilter-coordinator(8); kilter-doc has the whole documentation.\n'
    } | lowdown -s -Tman --out-no-smarty -M title="$name" -M section="$section" -M date="$date" -M source=kilter |
        # Terminals have no constant-width face of their own, and a heading stands on its macro's line, nothing between.
        sed -E 's/\\f\(?C[WR]?/\\fB/g' |
        awk '/^\.S[HS]$/ { macro = $0; next }
            macro { print macro " \"" $0 "\""; macro = ""; heading = 1; next }
            /^\.(PP|LP)$/ && heading { heading = 0; next }
            { heading = 0; print }' >"$out/$name.$section"
}

docs=$source_dir/docs
{
    printf '`kilter` [`--version`] COMMAND [OPTION]...\n\n'
    part "$docs/cli.md" '^# The command line `kilter`$'
} | page kilter 1 "command line for a neighbourhood's energy market"
{
    part "$docs/cli.md" '^# The command line `kilter-agent`$'
    part "$docs/cli.md" '^# Logs$' | sed '1i ## Logs\n'
} | page kilter-agent 8 "a home's part in its neighbourhood's energy market"
{
    part "$docs/cli.md" '^# The command line `kilter-coordinator`$'
    part "$docs/cli.md" '^# Logs$' | sed '1i ## Logs\n'
} | page kilter-coordinator 8 "hosts a feeder and keeps a replica of its log"
part "$docs/configuration.md" '^# The agent' | page kilter-agent.toml 5 "configuration of kilter-agent"
part "$docs/configuration.md" '^# The coordinator' |
    page kilter-coordinator.toml 5 "configuration of kilter-coordinator"
{
    part "$docs/topology-format.md" '^# Topology files$'
    part "$docs/topology-format.md" '^# Unbalanced feeders$' | sed '1i ## Unbalanced feeders\n'
} | page kilter-feeder.toml 5 "a distribution feeder"
part "$docs/topology-format.md" '^# Home files$' | page kilter-home.toml 5 "a simulated home"
part "$docs/protocol/identity.md" '^# ' | page kilter-identity 5 "keys, genesis, certificates, requests and bundles"
part "$docs/protocol/log.md" '^# ' | page kilter-log 5 "the replicated log, its blocks and its stores"
part "$docs/reports.md" '^# ' | page kilter-reports 5 "reports of the sessions a coordinator chaired"
part "$docs/simulate-json.md" '^# ' | page kilter-simulation 5 "results of kilter simulate as JSON"
