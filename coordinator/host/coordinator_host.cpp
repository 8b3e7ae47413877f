#include "coordinator/host/coordinator_host.hpp"

#include <spdlog/spdlog.h>

#include "common/base/limits.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/service.hpp"
#include "common/storage/key_file.hpp"
#include "common/topology/files.hpp"
#include "common/topology/native.hpp"
#include "coordinator/host/coordinator_host_state.hpp"

namespace kilter::coordinator {

namespace {

constexpr std::int64_t housekeeping_ms = 200;
constexpr std::int64_t refusals_every_ms = 5'000;
constexpr const char* market_key = "market";

Result<settlement::Genesis> load_genesis(const std::filesystem::path& path) {
    auto text = topology::read_text_file(path);
    if (!text) return text.error();
    auto genesis = settlement::Genesis::decode(as_bytes(*text));
    if (!genesis) return Error{path.string() + ": " + genesis.error().message};
    return genesis;
}

}  // namespace

Result<void> CoordinatorHost::State::open() {
    auto document = load_genesis(config.genesis_file);
    if (!document) return document.error();
    genesis = std::move(*document);
    rules = genesis.rules();
    auto own = storage::read_key_file(config.key_file);
    if (!own) return own.error();
    identity = std::make_unique<crypto::Identity>(std::move(*own));
    auto log_key = crypto::Identity::from_seed(identity->seed());
    auto grid = topology::load_network(config.topology_file);
    if (!grid) return grid.error();
    network = std::move(*grid);
    handouts.emplace(genesis.validators.index_of(identity->public_key()),
                     genesis.validators.validators.size());
    for (const char* folder : {"", "reports", "submit"})
        if (auto made = runtime::make_private_directory(config.state_dir / folder); !made)
            return made.error();
    if (auto made = runtime::make_private_directory(config.runtime_dir); !made) return made.error();
    spool.emplace(config.state_dir / "submit", genesis.chain_id());
    proofs.emplace(config.state_dir, genesis);

    auto store = storage::KeyValue::open(config.state_dir / "market.db");
    if (!store) return store.error();
    memory = std::move(*store);
    auto remembered = memory->get(market_key);
    if (!remembered) return remembered.error();
    auto host =
        FeederHost::create(*identity, genesis, network, config.pace, remembered->value_or(Bytes{}));
    if (!host) return host.error();
    feeder = std::move(*host);
    ledger.emplace(genesis);
    auto disk = storage::LogStore::open(config.state_dir / "log.db", genesis);
    if (!disk) return disk.error();
    auto image = disk->load(*ledger);
    if (!image) return image.error();
    auto post = transport::Hub::open(*identity, {.bind = config.bind, .lanes = config.lanes});
    if (!post) return post.error();
    hub = std::move(*post);
    log.emplace(loop, *hub, std::move(*disk),
                consensus::Replica(settlement::config_of(genesis, log_parameters),
                                   std::move(log_key), *ledger, std::move(*image)),
                *ledger, *this);
    if (!config.metrics.empty()) {
        auto server = runtime::ScrapeServer::open(loop, config.metrics, [this] {
            return metrics_page(figures(), sessions, config.state_dir);
        });
        if (!server) return server.error();
        scrape.emplace(std::move(*server));
    }
    return recall();
}

Result<void> CoordinatorHost::State::recall() {
    admit_known();
    follow_members();
    for (consensus::Height height = 1; height <= log->store().height(); ++height) {
        auto block = log->store().block(height);
        if (!block) continue;  // pruned: what still matters of it is in the state
        for (const auto& entry : block->block->entries)
            apply_final(*entry);
    }
    follow_roster();
    follow_rules(nullptr);
    return {};
}

int CoordinatorHost::State::run() {
    loop.watch(hub->inbound(), [this] { take_mail(); });
    loop.after_turn([this] { finish_turn(); });
    log->start();
    step_feeder(Started{});
    keep_house();
    runtime::feed_watchdog(loop);
    runtime::notify_ready();
    const consensus::ValidatorSet& members = log->replica().validators();
    const auto index = members.index_of(identity->public_key());
    spdlog::info("coordinator {} of {} listens on {}, log height {}",
                 index ? std::to_string(*index) : "(not a member)", members.size(), hub->endpoint(),
                 log->store().height());
    const int signal = loop.run();
    runtime::notify_stopping();
    write_status();
    log->store().checkpoint();
    if (signal != 0) spdlog::info("stopped by signal {}", signal);
    return halted ? 1 : 0;
}

// Durable first: of the log, then of the market; only then others hear of it.
void CoordinatorHost::State::finish_turn() {
    log->finish_turn();
    if (auto changed = std::exchange(persist, std::nullopt))
        memory->put({{market_key, std::move(changed)}});
    for (const auto& letter : std::exchange(mail, {}))
        send_within_limits(*hub, letter.to, letter.message);
}

void CoordinatorHost::State::keep_house() {
    take_spool();
    show_rosters();
    const UnixMs now = runtime::now_ms();
    if (now >= next_refusals) {
        next_refusals = now + refusals_every_ms;
        proofs->retry();
        for (const auto& refused : hub->take_refused())
            spdlog::warn("refused a key that is {}: {} from {} ({} handshakes)",
                         refused.revoked ? "revoked" : "not on the roster",
                         short_hex(refused.key.view()), refused.address, refused.handshakes);
    }
    if (status_due) write_status();
    loop.arm(housekeeping_ms, [this] { keep_house(); });
}

void CoordinatorHost::State::take_spool() {
    const auto is_final = [this](const consensus::EntryId& id) {
        return ledger->contains(*log->replica().state(), id);
    };
    for (auto& entry : spool->entries(is_final))
        log->submit(std::move(entry));
    for (auto& epochs : spool->epochs())
        take_epochs(std::move(epochs));
}

// The file stays until this replica has got there: over a restart only what it has followed is known.
void CoordinatorHost::State::take_epochs(Spool::Epochs epochs) {
    const consensus::Epoch newest = epochs.proofs.size();
    if (newest > log->replica().epochs().newest()) {
        log->show(std::move(epochs.proofs));
        if (const auto known = log->replica().epochs().newest(); newest > known)
            return Spool::refuse(
                epochs.file, "the proof of epoch " + std::to_string(known + 1) + " does not hold");
    }
    std::error_code error;
    if (newest <= log->replica().epoch()) std::filesystem::remove(epochs.file, error);
}

Result<CoordinatorHost> CoordinatorHost::open(const Config& config) {
    auto state = std::make_unique<State>();
    state->config = config;
    if (auto opened = state->open(); !opened) return opened.error();
    return CoordinatorHost(std::move(state));
}

int CoordinatorHost::run() {
    return state_->run();
}

CoordinatorHost::CoordinatorHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

CoordinatorHost::~CoordinatorHost() = default;
CoordinatorHost::CoordinatorHost(CoordinatorHost&&) noexcept = default;
CoordinatorHost& CoordinatorHost::operator=(CoordinatorHost&&) noexcept = default;

}  // namespace kilter::coordinator
