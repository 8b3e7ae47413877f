#!/usr/bin/env bash
# The pure tests under AddressSanitizer and UndefinedBehaviorSanitizer, and the transport's, the one folder that starts a
# thread, under ThreadSanitizer. Random inputs come from fixed seeds, so two runs are the same run. Arguments go to ctest.
#
# By itself: of every folder that a running agent or coordinator is made of, and of all these together. KILTER_ALL=1: also
# the planner's, the simulators' and the published grids', four times as long.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/phases.sh
source "$here/phases.sh"

tests=(test_common_{base,crypto,model,prox,market,wire,consensus,governance,settlement,products,topology}
    test_agent_core test_coordinator_core test_sim)
left_out=(-E simulator_real_signatures)
if [[ -n ${KILTER_ALL:-} ]]; then tests=(pure_tests) left_out=(); fi
export ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1:check_initialization_order=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
build asan "${tests[@]}" -- -DKILTER_TESTS=ON
shown "pure tests under asan and ubsan" \
    ctest --test-dir "$source_dir/build/asan" -L pure "${left_out[@]}" --output-on-failure --no-tests=error -j "$jobs" "$@"

# One test fills queues with megabytes: minutes under tsan, and nothing in it that the others lack.
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:report_thread_leaks=0:suppressions=$source_dir/tests/tsan.supp
build tsan test_common_transport -- -DKILTER_TESTS=ON
phase "threads under tsan" "$source_dir/build/tsan/bin/test_common_transport" --gtest_brief=1 \
    --gtest_filter=-Hub.a_peer_that_never_reads_costs_a_bounded_queue
