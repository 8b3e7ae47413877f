#include "tests/simulator/twins.hpp"

#include "tests/simulator/watch.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr std::size_t replicas = 4;
constexpr std::size_t processes = replicas + 1;
constexpr std::int64_t heal_ms = 60'000;

std::vector<ReplicaIndex> keys_with_twin(ReplicaIndex twin) {
    return {0, 1, 2, 3, twin};
}

/// The view a message is about; none: about no view in particular.
std::optional<View> view_of(const Message& message) {
    if (const auto* proposal = std::get_if<Proposal>(&message)) return proposal->block->header.view;
    if (const auto* vote = std::get_if<Vote>(&message)) return vote->view;
    if (const auto* cert = std::get_if<Cert>(&message)) return cert->view;
    return std::nullopt;
}

/// Each process knows an entry of its own, so that no two of them would propose the same block.
EntryPtr entry_of(Address address, const ChainId& chain) {
    Entry entry;
    entry.type = 1;
    entry.seq = address;
    entry.expires_ms = genesis_ms + 3'600'000;
    sign(entry, chain, identity_of(1'000));
    return seal(std::move(entry));
}
}  // namespace

TwinsResult play(const TwinsScenario& scenario) {
    Table table(replicas, keys_with_twin(scenario.twin));
    Watch watch(table, {scenario.twin});
    table.watch(&watch);
    const auto lost = [&](const Packet& packet) {
        const std::optional<View> view = view_of(packet.message);
        if (!view) return true;
        if (*view > scenario.cuts.size()) return false;
        const std::uint32_t cut = scenario.cuts[*view - 1];
        return ((cut >> packet.from) & 1) != ((cut >> packet.to) & 1);
    };
    for (Address address = 0; address < processes; ++address) {
        table.start(address);
        table.submit(address, entry_of(address, table.config().chain));
    }
    for (View view = 1; view <= scenario.cuts.size(); ++view) {
        table.deliver(lost);
        for (Address address = 0; address < processes; ++address)
            table.expire(address, TimerKind::batch);
        table.deliver(lost);
        for (Address address = 0; address < processes; ++address)
            if (table.status(address).view <= view) table.expire(address, TimerKind::view);
        table.deliver(lost);
    }
    table.run(heal_ms, 1);
    TwinsResult result;
    result.height = SIZE_MAX;
    result.double_vote = watch.accusations() > 0;
    if (!watch.report().clean())
        result.violation = watch.report().violations().front().invariant + ": " +
                           watch.report().violations().front().what;
    for (Address address = 0; address < replicas; ++address) {
        if (address == scenario.twin) continue;
        const ReplicaStatus status = table.status(address);
        result.height = std::min(result.height, status.final_height);
        if (result.violation.empty() && (status.entries < replicas - 1 || status.has_work))
            result.violation = "L1: replica " + std::to_string(address) + " ends with " +
                               std::to_string(status.entries) + " entries";
    }
    return result;
}

std::uint64_t for_each_twins_scenario(std::size_t views,
                                      const std::function<void(const TwinsScenario&)>& visit) {
    constexpr std::uint32_t cuts = 1u << (processes - 1);  // process 0 is always on side 0
    std::uint64_t total = 1;
    for (std::size_t i = 0; i < views; ++i)
        total *= cuts;
    std::uint64_t visited = 0;
    for (ReplicaIndex twin = 0; twin < replicas; ++twin) {
        // The twins are copies: exchanging their sides in all views at once is the same scenario.
        const auto exchanged = [&](std::uint32_t cut) {
            const std::uint32_t a = (cut >> twin) & 1;
            const std::uint32_t b = (cut >> replicas) & 1;
            cut = (cut & ~(1u << twin) & ~(1u << replicas)) | (b << twin) | (a << replicas);
            return (cut & 1) != 0 ? ~cut & ((1u << processes) - 1) : cut;
        };
        for (std::uint64_t code = 0; code < total; ++code) {
            TwinsScenario scenario{twin, {}};
            std::uint64_t rest = code;
            std::vector<std::uint32_t> mirrored;
            for (std::size_t i = 0; i < views; ++i, rest /= cuts) {
                scenario.cuts.push_back(static_cast<std::uint32_t>(rest % cuts) << 1);
                mirrored.push_back(exchanged(scenario.cuts.back()));
            }
            if (mirrored < scenario.cuts) continue;
            ++visited;
            visit(scenario);
        }
    }
    return visited;
}

}  // namespace kilter::consensus::simulation
