#include "common/consensus/entry.hpp"

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/crypto/merkle.hpp"

namespace kilter::consensus {

namespace {
Bytes unsigned_bytes(const Entry& entry) {
    return ByteWriter{}
        .u8(entry.version)
        .u8(entry.type)
        .raw(entry.author.view())
        .u64(entry.seq)
        .i64(entry.expires_ms)
        .u8(static_cast<std::uint8_t>(entry.key.size()))
        .raw(entry.key)
        .u32(static_cast<std::uint32_t>(entry.body.size()))
        .raw(entry.body)
        .bytes();
}

EntryId id_of(ByteView without_signature) {
    return EntryId::from(crypto::digest("entry", without_signature).view());
}

Bytes statement(const EntryId& id, const ChainId& chain) {
    return signed_bytes(SignedKind::entry, chain, 0, 0, id.view());
}

EntryPtr sealed(Entry entry, Bytes encoded) {
    const ByteView without = ByteView{encoded}.first(encoded.size() - Signature::size);
    const EntryId id = id_of(without);
    const Digest leaf = crypto::merkle_leaf(encoded);
    return std::make_shared<const SealedEntry>(
        SealedEntry{std::move(entry), std::move(encoded), id, leaf});
}
}  // namespace

Bytes encode(const Entry& entry) {
    Bytes bytes = unsigned_bytes(entry);
    const ByteView signature = entry.signature.view();
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    return bytes;
}

Result<Entry> decode_entry(ByteView bytes) {
    ByteReader in(bytes);
    Entry entry;
    entry.version = in.u8();
    entry.type = in.u8();
    entry.author = in.fixed<PublicKey>();
    entry.seq = in.u64();
    entry.expires_ms = in.i64();
    const std::size_t key_size = in.u8();
    if (key_size > limits::entry_key_bytes_max)
        return Error{"the entry's semantic key has " + std::to_string(key_size) +
                     " bytes; allowed are " + std::to_string(limits::entry_key_bytes_max)};
    entry.key = to_bytes(in.raw(key_size));
    const std::size_t body_size = in.u32();
    if (body_size > limits::entry_body_bytes_max)
        return Error{"the entry's body has " + std::to_string(body_size) + " bytes; allowed are " +
                     std::to_string(limits::entry_body_bytes_max)};
    entry.body = to_bytes(in.raw(body_size));
    entry.signature = in.fixed<Signature>();
    if (!in.complete()) return Error{"the entry is cut short or has bytes after its end"};
    if (entry.version != entry_version)
        return Error{"the entry has version " + std::to_string(entry.version) +
                     "; this program knows " + std::to_string(entry_version)};
    if (entry.type == 0) return Error{"the entry has no type"};
    return entry;
}

void sign(Entry& entry, const ChainId& chain, const crypto::Identity& author) {
    KILTER_CHECK(entry.key.size() <= limits::entry_key_bytes_max, "semantic key too long");
    KILTER_CHECK(entry.body.size() <= limits::entry_body_bytes_max, "entry body too long");
    entry.author = author.public_key();
    entry.signature = author.sign(statement(id_of(unsigned_bytes(entry)), chain));
}

EntryPtr seal(Entry entry) {
    Bytes encoded = encode(entry);
    return sealed(std::move(entry), std::move(encoded));
}

Result<EntryPtr> decode_sealed(ByteView bytes) {
    Result<Entry> entry = decode_entry(bytes);
    if (!entry) return entry.error();
    return sealed(*std::move(entry), to_bytes(bytes));
}

bool verify(const SealedEntry& entry, const ChainId& chain) {
    return crypto::verify(entry.entry.author, statement(entry.id, chain), entry.entry.signature);
}

}  // namespace kilter::consensus
