#include "common/settlement/enrolment.hpp"

#include <algorithm>
#include <array>

#include "common/crypto/base64.hpp"
#include "common/settlement/certified_roster.hpp"

namespace kilter::settlement {

namespace {

constexpr std::string_view request_prefix = "kilter-request:";
constexpr std::string_view bundle_prefix = "kilter:";
constexpr std::string_view bundle_magic = "kilter bundle 1";
constexpr std::size_t checksum_digits = 8;
constexpr std::size_t bundle_bytes_max = 4u << 20;
constexpr std::array<Equipment, 3> all_equipment{Equipment::none, Equipment::panels,
                                                 Equipment::battery};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string checksum(std::string_view text) {
    return to_hex(crypto::digest("request", as_bytes(text)).view()).substr(0, checksum_digits);
}

/// What comes before the next ':' of `rest`, which goes on behind it.
std::string_view next_part(std::string_view& rest) {
    const auto end = std::min(rest.find(':'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

void write_sized(ByteWriter& out, ByteView bytes) {
    out.u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes);
}

Error garbled(const std::string& what) {
    return {"the request is garbled (" + what +
            "): ask for it again, whole, as 'kilter-agent enroll' prints it"};
}

Error cut() {
    return {"the bundle is cut or garbled: ask the operator for it again"};
}

}  // namespace

const char* name_of(Equipment equipment) {
    switch (equipment) {
        case Equipment::none:
            return "none";
        case Equipment::panels:
            return "panels";
        case Equipment::battery:
            return "battery";
    }
    return "unknown";
}

std::optional<Equipment> equipment_named(std::string_view name) {
    for (const Equipment equipment : all_equipment)
        if (name == name_of(equipment)) return equipment;
    return std::nullopt;
}

std::string EnrolmentRequest::text() const {
    const std::string out = std::string(request_prefix) + to_hex(key.view()) + ':' +
                            name_of(equipment) + ':' + endpoint;
    return out + ':' + checksum(out);
}

Result<EnrolmentRequest> EnrolmentRequest::parse(std::string_view text) {
    text = trimmed(text);
    if (!text.starts_with(request_prefix))
        return garbled("it does not begin with " + std::string(request_prefix));
    const auto colon = text.rfind(':');
    if (checksum(text.substr(0, colon)) != text.substr(colon + 1))
        return garbled("its checksum does not fit");
    std::string_view rest = text.substr(0, colon);
    rest.remove_prefix(request_prefix.size());
    EnrolmentRequest out;
    const auto key = fixed_from_hex<PublicKey>(next_part(rest));
    if (!key || !crypto::curve_key(*key)) return garbled("it holds no valid key");
    out.key = *key;
    const auto equipment = equipment_named(next_part(rest));
    if (!equipment) return garbled("it names unknown equipment");
    out.equipment = *equipment;
    out.endpoint = rest;
    const bool somewhere = out.endpoint.starts_with("tcp://") || out.endpoint.empty();
    if (!somewhere || out.endpoint.size() > limits::endpoint_bytes_max)
        return garbled("its endpoint is not tcp://HOST:PORT");
    return out;
}

Bytes EnrolmentBundle::signed_bytes() const {
    ByteWriter out;
    out.text(bundle_magic);
    write_sized(out, genesis.encode());
    write_sized(out, encode(certificate));
    write_sized(out, roster_receipt);
    write_sized(out, roster);
    return std::move(out).bytes();
}

void EnrolmentBundle::sign(const crypto::Identity& operator_identity) {
    signature = operator_identity.sign(signed_bytes());
}

std::string EnrolmentBundle::text() const {
    Bytes bytes = signed_bytes();
    bytes.insert(bytes.end(), signature.bytes.begin(), signature.bytes.end());
    return std::string(bundle_prefix) + crypto::to_base64url(bytes);
}

Result<EnrolmentBundle> EnrolmentBundle::parse(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with(request_prefix))
        return Error{
            "this is a request, not a bundle: send it to the operator, who answers with one"};
    if (!text.starts_with(bundle_prefix) || text.size() > bundle_bytes_max) return cut();
    const auto bytes = crypto::from_base64url(text.substr(bundle_prefix.size()));
    if (!bytes) return cut();
    ByteReader in(*bytes);
    if (!std::ranges::equal(in.raw(bundle_magic.size()), as_bytes(bundle_magic))) return cut();
    const ByteView document = in.raw(in.u32());
    const ByteView certificate = in.raw(in.u32());
    EnrolmentBundle out;
    out.roster_receipt = to_bytes(in.raw(in.u32()));
    out.roster = to_bytes(in.raw(in.u32()));
    out.signature = in.fixed<crypto::Signature>();
    if (!in.complete()) return cut();
    auto genesis = Genesis::decode(document);
    if (!genesis) return genesis.error();
    out.genesis = *std::move(genesis);
    auto member = decode_member(certificate);
    if (!member) return member.error();
    out.certificate = *std::move(member);
    // Or by who has made the roster in it; whether that one might, objection() asks the log.
    const auto change = consensus::decode_receipt(out.roster_receipt);
    const Bytes statement = out.signed_bytes();
    if (!crypto::verify(out.genesis.operator_key, statement, out.signature) &&
        !(change && crypto::verify(change->entry.author, statement, out.signature)))
        return Error{
            "the bundle is not signed by its log's operator: do not use it, and ask the operator "
            "for another one"};
    return out;
}

std::optional<std::string> objection(const EnrolmentBundle& bundle,
                                     const PublicKey& key,
                                     const std::optional<Genesis>& pinned,
                                     std::uint64_t known_epoch,
                                     UnixMs now) {
    const RosterMember& certificate = bundle.certificate;
    if (certificate.key != key)
        return "this bundle is for the key " + short_hex(certificate.key.view()) +
               ", this agent's is " + short_hex(key.view()) +
               ": send the operator this agent's own request ('kilter-agent enroll')";
    if (pinned && pinned->chain_id() != bundle.genesis.chain_id())
        return "this bundle is for the log " + short_hex(bundle.genesis.chain_id().view()) +
               ", this agent follows " + short_hex(pinned->chain_id().view()) +
               " with other validators or parameters: to change on purpose, move the old genesis "
               "file and state directory away first";
    if (certificate.role != Role::home)
        return "its certificate is not for a home: ask the operator for one with --role home";
    if (now >= certificate.valid_until_ms)
        return "its certificate has expired: ask the operator to renew it";
    if (bundle.roster.empty()) return std::nullopt;
    const auto certified = certified_roster(bundle.genesis, bundle.roster_receipt, bundle.roster);
    if (!certified) return "its roster is not the log's: " + certified.error().message;
    if (certified->roster.epoch < known_epoch)
        return "its roster has epoch " + std::to_string(certified->roster.epoch) +
               ", this agent has seen " + std::to_string(known_epoch) +
               ": ask the operator for a new bundle";
    const RosterMember* member = certified->roster.find(key);
    if (member == nullptr || *member != certificate)
        return "its roster does not hold its certificate: ask the operator for a new bundle";
    return std::nullopt;
}

}  // namespace kilter::settlement
