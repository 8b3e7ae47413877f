#include "agent/host/enrolment.hpp"

#include "agent/core/memory.hpp"
#include "agent/drivers/home_file.hpp"
#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/certified_roster.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/key_value.hpp"
#include "common/topology/files.hpp"

namespace kilter::agent {

namespace {

settlement::Equipment equipment_of(const topology::HomeSpec& home) {
    switch (home.flexibility()) {
        case model::Flexibility::none:
            return settlement::Equipment::none;
        case model::Flexibility::curtails:
            return settlement::Equipment::panels;
        case model::Flexibility::stores:
            return settlement::Equipment::battery;
    }
    return settlement::Equipment::none;
}

bool others_can_connect_to(const std::string& endpoint) {
    return endpoint.starts_with("tcp://") && endpoint.find('*') == std::string::npos &&
           endpoint.find("//0.0.0.0") == std::string::npos &&
           endpoint.find("//[::]") == std::string::npos;
}

Result<std::optional<settlement::Genesis>> pinned_genesis(const Config& config) {
    std::error_code ignored;
    if (!std::filesystem::exists(config.genesis_file, ignored))
        return std::optional<settlement::Genesis>();
    auto document = topology::read_text_file(config.genesis_file);
    if (!document) return document.error();
    auto genesis = settlement::Genesis::decode(as_bytes(*document));
    if (!genesis) return Error{config.genesis_file.string() + ": " + genesis.error().message};
    return std::optional(*std::move(genesis));
}

Result<std::uint64_t> known_epoch(const storage::KeyValue& memory,
                                  const settlement::Genesis& genesis) {
    auto remembered = memory.get(roster_key);
    if (!remembered) return remembered.error();
    if (!*remembered) return std::uint64_t{0};
    const auto update = decode_update(**remembered);
    if (!update) return std::uint64_t{0};
    auto remembered_epochs = memory.get(epochs_key);
    if (!remembered_epochs) return remembered_epochs.error();
    const auto epochs = decode_epochs(genesis, remembered_epochs->value_or(Bytes{}));
    if (!epochs) return std::uint64_t{0};
    const auto certified = settlement::certified_roster(*epochs, update->receipt, update->roster);
    return certified ? certified->roster.epoch : std::uint64_t{0};
}

}  // namespace

Result<settlement::EnrolmentRequest> make_request(const Config& config, std::string endpoint) {
    if (config.bind.empty() && !endpoint.empty())
        return Error{"this agent listens nowhere, so nobody can connect to \"" + endpoint +
                     "\": set bind in its configuration, or leave --endpoint out"};
    if (endpoint.empty()) endpoint = config.bind;
    if (!endpoint.empty() && !others_can_connect_to(endpoint))
        return Error{"nobody else can connect to \"" + endpoint +
                     "\": say where neighbours reach this agent with --endpoint tcp://HOST:PORT"};
    const auto home = drivers::load_home(config.home_file);
    if (!home) return home.error();
    const auto identity = storage::read_or_make_key_file(config.key_file);
    if (!identity) return identity.error();
    return settlement::EnrolmentRequest{identity->public_key(), equipment_of(*home),
                                        std::move(endpoint)};
}

Result<Installed> install_bundle(const Config& config, std::string_view source) {
    std::string text(source);
    if (!text.starts_with("kilter:") && !text.starts_with("kilter-request:")) {
        auto read = topology::read_text_file(text);
        if (!read) return read.error();
        text = *std::move(read);
    }
    auto bundle = settlement::EnrolmentBundle::parse(text);
    if (!bundle) return bundle.error();
    const auto identity = storage::read_key_file(config.key_file);
    if (!identity) return identity.error();
    const auto pinned = pinned_genesis(config);
    if (!pinned) return pinned.error();
    const UnixMs now = runtime::now_ms();
    if (auto reason = settlement::objection(*bundle, identity->public_key(), *pinned, 0, now))
        return Error{*reason};
    if (auto made = runtime::make_private_directory(config.state_dir); !made) return made.error();
    auto memory = storage::KeyValue::open(config.state_dir / "agent.db");
    if (!memory) return memory.error();
    const auto epoch = known_epoch(*memory, bundle->genesis);
    if (!epoch) return epoch.error();
    if (auto reason = settlement::objection(*bundle, identity->public_key(), *pinned, *epoch, now))
        return Error{*reason};

    if (!*pinned) {
        const Bytes document = bundle->genesis.encode();
        if (auto written = runtime::replace_file_durably(
                config.genesis_file,
                {reinterpret_cast<const char*>(document.data()), document.size()});
            !written)
            return written.error();
    }
    if (!bundle->roster.empty())
        memory->put(
            {{roster_key, encode(wire::RosterUpdate{bundle->roster_receipt, bundle->roster})}});
    return Installed{*std::move(bundle), !*pinned};
}

}  // namespace kilter::agent
