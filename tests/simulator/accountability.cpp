#include "tests/simulator/accountability.hpp"

namespace kilter::consensus::simulation {

std::set<ReplicaIndex> culprits(const Image& first,
                                const Image& other,
                                const ChainId& chain,
                                const ValidatorSet& validators) {
    std::map<std::pair<View, ReplicaIndex>, std::vector<Vote>> spoken;
    std::set<ReplicaIndex> out;
    for (const Image* image : {&first, &other}) {
        for (const Cert& cert : image->certificates()) {
            if (verify(cert, chain, validators) != CertVerdict::valid) continue;
            std::size_t at = 0;
            for (std::size_t i = 0; i < validators.size(); ++i) {
                if (((cert.signers >> i) & 1) == 0) continue;
                const auto signer = static_cast<ReplicaIndex>(i);
                const Vote vote{cert.kind, cert.epoch, cert.view,
                                cert.hash, signer,     cert.signatures[at++]};
                auto& before = spoken[{cert.view, signer}];
                for (const Vote& earlier : before)
                    if (contradict(earlier, vote)) out.insert(signer);
                before.push_back(vote);
            }
        }
    }
    return out;
}

bool forked(const Image& first, const Image& other) {
    for (std::size_t i = 0; i < std::min(first.chain().size(), other.chain().size()); ++i)
        if (first.chain()[i]->hash != other.chain()[i]->hash) return true;
    return false;
}

}  // namespace kilter::consensus::simulation
