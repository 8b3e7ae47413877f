#include "coordinator/host/sign_members.hpp"

#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/settlement/ledger.hpp"
#include "common/storage/key_file.hpp"
#include "common/storage/log_store.hpp"

namespace kilter::coordinator {

namespace {
constexpr UnixMs change_life_ms = UnixMs{12} * 3'600'000;
}  // namespace

Result<SignedMembers> sign_members(const Config& config, const std::string& document) {
    auto parsed = settlement::MembersDocument::parse(document);
    if (!parsed) return parsed.error();
    const auto identity = storage::read_key_file(config.key_file);
    if (!identity) return identity.error();
    const auto store = storage::LogStore::open_read_only(config.state_dir / "log.db");
    if (!store) return store.error();
    const settlement::Genesis& genesis = store->genesis();
    const settlement::Ledger ledger(genesis);
    const auto image = store->load(ledger);
    if (!image) return image.error();
    const consensus::ChainId chain = genesis.chain_id();
    consensus::EpochTable epochs(chain, genesis.validators);
    (void)epochs.learn(image->epochs);  // load() has checked them
    const consensus::StatePtr state = image->state ? image->state : ledger.initial();
    SignedMembers out{*std::move(parsed), {}, epochs.members(), false};
    if (auto done = settlement::sign_members(out.document, out.present, *identity); !done)
        return done.error();
    if (auto sound = settlement::check_members(
            out.document, {genesis, epochs.newest(), out.present, *state, image->tip.height + 1});
        !sound)
        return sound.error();
    if (auto sound = settlement::check_signatures(out.document, chain, out.present); !sound)
        return sound.error();
    const crypto::PublicKey& own = identity->public_key();
    out.line = settlement::signature_line(own, out.document.signatures.at(own));
    if (out.document.signatures.size() < out.present.quorum()) return out;
    const UnixMs now = runtime::now_ms();
    const auto entry =
        settlement::make_entry(settlement::epoch_change(out.document, out.present), chain,
                               static_cast<std::uint64_t>(now), now + change_life_ms, *identity);
    const auto file =
        config.state_dir / "submit" / ("members-" + std::to_string(out.document.epoch) + ".entry");
    if (auto written = runtime::replace_file(
            file, {reinterpret_cast<const char*>(entry->encoded.data()), entry->encoded.size()});
        !written)
        return written.error();
    out.submitted = true;
    return out;
}

}  // namespace kilter::coordinator
