#!/bin/bash
# Instructions per step of a home with one piece of equipment (96 intervals, warm), counted by valgrind: exact, on any
# machine, whatever else runs on it. The difference of two counts leaves start-up and the first, cold solve out.
# `session` first: of a whole iteration of warm accelerated sessions, responses included; `accelerated`: of one whose prices
# jump everywhere.
#     tests/bench/device_cost.sh build/release/bin/device_cost [session|accelerated] [PIECE...]
set -euo pipefail
program=$1
shift
how=()
few=4
many=24
case ${1-} in
session)
    how=(session)
    few=10
    many=60
    shift
    ;;
accelerated)
    how=(accelerated)
    few=14
    shift
    ;;
esac
pieces=("$@")
((${#pieces[@]})) || pieces=(load panels panels-kvar lossless-battery battery vehicle heat-pump hot-water shiftable deferrable
    curtailable generator tie all-kw all)
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" "${how[@]}" 2>&1 |
        sed -n 's/.*refs: *\([0-9,]*\).*/\1/p' | tr -d ,
}
for piece in "${pieces[@]}"; do
    printf '%-18s %8d thousand instructions a step\n' "$piece" \
        $((($(instructions "$piece" $many) - $(instructions "$piece" $few)) / (many - few) / 1000))
done
