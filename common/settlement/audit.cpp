#include "common/settlement/audit.hpp"

#include "common/consensus/block_tree.hpp"

namespace kilter::settlement {

using consensus::Block;
using consensus::BlockHash;
using consensus::BlockTree;
using consensus::Cert;
using consensus::FinalBlock;
using consensus::Header;

struct Audit::Progress {
    Progress(Genesis document,
             std::function<void(const CheckedEntry&)> callback,
             consensus::EpochTable known)
        : ledger(std::move(document)),
          config(config_of(ledger.genesis())),
          epochs(std::move(known)),
          tree(config, ledger, {}),
          on_entry(std::move(callback)) {}

    bool certificate_holds(const Cert& cert) {
        ++report.certificates;
        report.signatures += cert.signatures.size();
        return epochs.holds(cert);
    }

    /// The epoch that follows this block.
    bool enter(const Header& tip) {
        const consensus::Epoch epoch = tip.epoch + (tip.next_validators.is_zero() ? 0 : 1);
        const auto* member = epochs.find(epoch);
        if (member == nullptr) return false;
        config.validators = member->validators;
        tree.begin_epoch(epoch, member->validators);
        return true;
    }

    Ledger ledger;
    consensus::Config config;
    consensus::EpochTable epochs;
    BlockTree tree;
    std::function<void(const CheckedEntry&)> on_entry;
    AuditReport report;
    consensus::Height certified = 0;  // the last block that is
    consensus::Height last = 0;
    bool failed = false;
};

namespace {
consensus::EpochTable first_epoch(const Genesis& genesis) {
    return {genesis.chain_id(), genesis.validators};
}
}  // namespace

Audit::Audit(const Genesis& genesis, std::function<void(const CheckedEntry&)> on_entry)
    : Audit(genesis, std::move(on_entry), first_epoch(genesis)) {}

Audit::Audit(Genesis genesis,
             std::function<void(const CheckedEntry&)> on_entry,
             consensus::EpochTable epochs)
    : progress_(
          std::make_unique<Progress>(std::move(genesis), std::move(on_entry), std::move(epochs))) {}

Audit::~Audit() = default;

Result<void> Audit::begin(const consensus::Manifest& manifest, std::span<const Bytes> pieces) {
    Progress& p = *progress_;
    const auto outline = consensus::check(manifest, p.epochs);
    auto map = outline ? outline->join(pieces) : std::nullopt;
    const Header& header = manifest.certified.header;
    if (!map)
        return Error{"the snapshot at height " + std::to_string(header.height) +
                     " is not what a quorum certified"};
    ++p.report.certificates;
    p.report.signatures += manifest.certified.certificate.signatures.size();
    p.tree.adopt(header, std::make_shared<consensus::MapState>(*std::move(map)), manifest.log);
    p.certified = p.last = header.height;
    p.report.log_root = header.log_root;
    p.report.state_root = header.state_root;
    return p.enter(header) ? Result<void>{} : Error{"the proof of an epoch is missing"};
}

bool Audit::extend(const consensus::EpochProof& proof) {
    return progress_->epochs.extend(proof);
}

Result<void> Audit::add(const FinalBlock& final) {
    Progress& p = *progress_;
    const Block& block = *final.block;
    const Header& header = block.header;
    const auto fail = [&](const std::string& what) {
        p.failed = true;
        return Error{"block " + std::to_string(header.height) + ": " + what};
    };
    if (p.failed) return Error{"the audit has failed already"};
    const Header parent = p.tree.tip().block->header;
    if (block.hash != hash(header)) return fail("its hash is not its header's");
    if (header.parent_hash != p.tree.tip_hash())
        return fail("it does not follow the block before it");
    if (!p.tree.fits(header, parent))
        return fail(
            "its header does not fit its parent's (chain, height, index, view, time, proposer "
            "or validator set)");
    if (!consensus::body_fits(block))
        return fail("its entries are not those its header commits to");
    if (!consensus::justified(block, p.epochs,
                              [&](const Cert& cert) { return p.certificate_holds(cert); }))
        return fail("its justifying certificates are missing or wrong");
    if (auto understood = p.tree.understood(); !understood) return fail(understood.error().message);
    for (const consensus::EntryPtr& entry : block.entries) {
        const std::string name = "entry " + short_hex(entry->id.view());
        ++p.report.signatures;
        if (auto sound = consensus::check_entry(*entry, p.config.chain, p.ledger); !sound)
            return fail(name + ": " + sound.error().message);
        if (entry->entry.type == cleared_net_entry)
            p.report.signatures += decode_cleared_net(entry->entry.body)->members.size();
    }
    p.tree.insert(final.block);
    if (p.tree.executed(block.hash) == nullptr)
        return fail("its entries do not lead to the log and state roots in its header");
    if (final.certificate) {
        const Cert& cert = *final.certificate;
        if (cert.kind != consensus::VoteKind::final || cert.hash != block.hash ||
            cert.view != header.view || cert.epoch != header.epoch || !p.certificate_holds(cert))
            return fail("its final certificate does not hold");
        p.certified = header.height;
    }
    p.last = header.height;
    p.tree.advance_tip(block.hash);
    if (!header.next_validators.is_zero()) {
        if (!p.enter(header)) return fail("it ends an epoch, and the proof of that is missing");
        if (p.epochs.find(header.epoch + 1)->proof->end.header != header)
            return fail("another block ended its epoch");
        p.certified = header.height;
    }
    for (std::size_t i = 0; i < block.entries.size(); ++i)
        if (p.on_entry) p.on_entry({header.first_index + i, header.height, block.entries[i]});
    ++p.report.blocks;
    p.report.entries += block.entries.size();
    p.report.log_root = header.log_root;
    p.report.state_root = header.state_root;
    return {};
}

Result<AuditReport> Audit::finish() {
    const Progress& p = *progress_;
    if (p.failed) return Error{"the audit has failed"};
    if (p.certified != p.last)
        return Error{
            "blocks " + std::to_string(p.certified + 1) + " to " + std::to_string(p.last) +
            " have no final certificate here: they are on the log only if a later block that "
            "is not here has one. A coordinator that was stopped while others brought it up "
            "gets it when it runs again"};
    return p.report;
}

}  // namespace kilter::settlement
