#include "common/settlement/members_document.hpp"

#include <charconv>
#include <sstream>

#include "common/consensus/block_execution.hpp"
#include "common/settlement/docket_state.hpp"
#include "common/settlement/ledger.hpp"

namespace kilter::settlement {

namespace {

constexpr std::string_view document_magic = "kilter members 1";

Error in_line(int number, const std::string& what) {
    return {"line " + std::to_string(number) + ": " + what};
}

std::optional<consensus::Epoch> epoch_in(const std::string& text) {
    consensus::Epoch out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

}  // namespace

std::string signature_line(const PublicKey& key, const consensus::Signature& signature) {
    return "signed " + to_hex(key.view()) + " " + to_hex(signature.view()) + "\n";
}

std::string MembersDocument::text() const {
    std::string out = std::string(document_magic) + "\nlog " + to_hex(chain.view()) +
                      "\nends-epoch " + std::to_string(epoch) + "\n";
    for (const consensus::Validator& member : next.validators)
        out += "member " + to_hex(member.key.view()) + " " + member.endpoint + "\n";
    for (const auto& [key, signature] : signatures)
        out += signature_line(key, signature);
    return out;
}

Result<MembersDocument> MembersDocument::parse(std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string line;
    if (!std::getline(lines, line) || line != document_magic)
        return Error{"this is no document of 'kilter members draft'"};
    MembersDocument out;
    bool has_log = false;
    bool has_epoch = false;
    for (int number = 2; std::getline(lines, line); ++number) {
        std::istringstream words(line);
        std::string what;
        std::string first;
        std::string second;
        std::string more;
        words >> what >> first >> second >> more;
        if (what.empty() || what.starts_with('#')) continue;
        if (!more.empty()) return in_line(number, "there is more than this line needs");
        if (what == "log") {
            const auto chain = fixed_from_hex<ChainId>(first);
            if (!chain || has_log || !second.empty())
                return in_line(number, "expected 'log' and 64 hexadecimal digits, once");
            out.chain = *chain;
            has_log = true;
        } else if (what == "ends-epoch") {
            const auto epoch = epoch_in(first);
            if (!epoch || has_epoch || !second.empty())
                return in_line(number, "expected 'ends-epoch' and a number, once");
            out.epoch = *epoch;
            has_epoch = true;
        } else if (what == "member") {
            const auto key = fixed_from_hex<PublicKey>(first);
            if (!key || !crypto::curve_key(*key) || second.empty())
                return in_line(number, "expected 'member', a coordinator's key and its endpoint");
            out.next.validators.push_back({*key, second});
        } else if (what == "signed") {
            const auto key = fixed_from_hex<PublicKey>(first);
            const auto signature = fixed_from_hex<consensus::Signature>(second);
            if (!key || !signature)
                return in_line(number, "expected 'signed', a coordinator's key and its signature");
            if (!out.signatures.emplace(*key, *signature).second)
                return in_line(number, short_hex(key->view()) + " has signed twice");
        } else {
            return in_line(number, "unknown word '" + what + "'");
        }
    }
    if (!has_log || !has_epoch) return Error{"the lines 'log' and 'ends-epoch' are missing"};
    if (auto valid = out.next.validate(); !valid) return valid.error();
    return out;
}

Result<void> check_members(const MembersDocument& document, const MembersContext& context) {
    const auto& [genesis, epoch, present, state, next_height] = context;
    if (document.chain != genesis.chain_id())
        return Error{"the document is for the log " + short_hex(document.chain.view()) +
                     ", this is " + short_hex(genesis.chain_id().view())};
    if (document.epoch != epoch)
        return Error{"the document ends epoch " + std::to_string(document.epoch) +
                     ", and the log is in epoch " + std::to_string(epoch) +
                     (document.epoch < epoch ? ": that change, or another, has taken place; see "
                                               "'kilter members show', and draft anew if need be"
                                             : ": this coordinator is behind; let it catch up")};
    if (document.next == present) return Error{"the document changes nothing"};
    const Roster newest = roster(state);
    for (const consensus::Validator& member : document.next.validators) {
        if (present.index_of(member.key)) continue;
        const std::string key = short_hex(member.key.view());
        if (consensus::was_member(*state.map(), member.key))
            return Error{
                "the key " + key +
                " was a member and left, and never returns: make a new one on its "
                "machine (move the key file and the state away, 'kilter-coordinator key')"};
        const RosterMember* granted = newest.find(member.key);
        if (granted == nullptr || granted->role != Role::coordinator)
            return Error{"the roster does not name " + key +
                         " as a coordinator yet, so it could not learn the log: grant it first "
                         "('kilter grant KEY@ENDPOINT --role coordinator')"};
    }
    const governance::Rules rules = docket(state, genesis).rules_at(next_height);
    if (rules.constitution.find(governance::Subject::validators) != nullptr &&
        rules.validators != document.next.hash())
        return Error{
            "the docket has not decided on this set, or its decision is not in force yet: 'kilter "
            "rules propose --validators FILE' opens the case, and 'kilter rules show' where it "
            "stands"};
    return {};
}

Result<void> check_signatures(const MembersDocument& document,
                              const ChainId& chain,
                              const consensus::ValidatorSet& present) {
    const Bytes statement = consensus::epoch_change_bytes(chain, document.epoch, document.next);
    for (const auto& [key, signature] : document.signatures) {
        if (!present.index_of(key))
            return Error{"it is signed by " + short_hex(key.view()) +
                         ", which is no coordinator of the present set: remove that line"};
        if (!crypto::verify(key, statement, signature))
            return Error{"the signature of " + short_hex(key.view()) +
                         " does not hold: it was made for another epoch or set; remove that line "
                         "and let it sign this document"};
    }
    return {};
}

Result<void> sign_members(MembersDocument& document,
                          const consensus::ValidatorSet& present,
                          const crypto::Identity& identity) {
    const PublicKey& key = identity.public_key();
    if (!present.index_of(key))
        return Error{"this coordinator's key " + short_hex(key.view()) +
                     " is not of the present set: only those who order the log now can sign"};
    if (document.signatures.contains(key))
        return Error{"this coordinator has signed it already: pass it on to the next"};
    document.signatures[key] =
        identity.sign(consensus::epoch_change_bytes(document.chain, document.epoch, document.next));
    return {};
}

consensus::EpochChange epoch_change(const MembersDocument& document,
                                    const consensus::ValidatorSet& present) {
    consensus::EpochChange out{document.epoch, document.next, 0, {}};
    for (std::size_t i = 0; i < present.size(); ++i) {
        const auto found = document.signatures.find(present.validators[i].key);
        if (found == document.signatures.end()) continue;
        out.signers |= std::uint64_t{1} << i;
        out.signatures.push_back(found->second);
    }
    return out;
}

consensus::EntryPtr make_entry(const consensus::EpochChange& change,
                               const ChainId& chain,
                               std::uint64_t seq,
                               UnixMs expires_ms,
                               const crypto::Identity& member) {
    return make_entry(consensus::epoch_change_entry, consensus::epoch_change_key(change.epoch),
                      consensus::encode(change), chain, seq, expires_ms, member);
}

std::string describe_members(const consensus::ValidatorSet& present,
                             const consensus::ValidatorSet& next) {
    std::string out;
    for (const consensus::Validator& one : present.validators)
        if (!next.index_of(one.key))
            out += "leaves   " + short_hex(one.key.view()) + "  " + one.endpoint + "\n";
    for (const consensus::Validator& one : next.validators) {
        const auto before = present.index_of(one.key);
        if (!before)
            out += "joins    " + short_hex(one.key.view()) + "  " + one.endpoint + "\n";
        else if (present.validators[*before].endpoint != one.endpoint)
            out += "moves    " + short_hex(one.key.view()) + "  to " + one.endpoint + "\n";
    }
    if (out.empty() && next != present) out = "the same coordinators in another order\n";
    return out;
}

}  // namespace kilter::settlement
