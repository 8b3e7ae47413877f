#include "common/consensus/snapshot.hpp"

#include <bit>

#include "common/base/limits.hpp"
#include "common/consensus/mutation.hpp"

namespace kilter::consensus {

void write(ByteWriter& out, const Manifest& manifest) {
    write(out, manifest.certified);
    out.u64(manifest.log.size());
    for (const Digest& peak : manifest.log.peaks())
        out.raw(peak.view());
    out.u32(static_cast<std::uint32_t>(manifest.outline.size())).raw(manifest.outline);
}

std::optional<Manifest> read_manifest(ByteReader& in) {
    auto certified = read_certified_header(in);
    if (!certified) return std::nullopt;
    const std::uint64_t size = in.u64();
    std::vector<Digest> peaks;
    for (int i = 0; i < std::popcount(size) && !in.failed(); ++i)
        peaks.push_back(in.fixed<Digest>());
    auto log = crypto::MerkleFrontier::from(size, std::move(peaks));
    const ByteView outline = in.raw(in.u32());
    if (in.failed() || !log || outline.size() > limits::outline_bytes_max) return std::nullopt;
    return Manifest{*std::move(certified), *std::move(log), to_bytes(outline)};
}

std::optional<crypto::MerkleOutline> check(const Manifest& manifest, const EpochTable& epochs) {
    const Header& header = manifest.certified.header;
    const EpochTable::Member* member = epochs.find(header.epoch);
    // A closing block may well be certified, but its epoch ended below it.
    if (member == nullptr || (header.closing && mutant != Mutant::closing_snapshot) ||
        (verify(manifest.certified, epochs.chain(), member->validators) !=
             HeaderVerdict::certified &&
         mutant != Mutant::unchecked_manifest) ||
        manifest.log.size() != header.first_index + header.count ||
        manifest.log.root() != header.log_root)
        return std::nullopt;
    return crypto::MerkleOutline::decode(manifest.outline, header.state_root);
}

}  // namespace kilter::consensus
