// Small-scope mutations (ByzzFuzz, Winter et al., OOPSLA 2023): one field off by one, a value seen before, another signer.
#include <algorithm>

#include "tests/simulator/adversary.hpp"

namespace kilter::consensus::simulation {

Message Adversary::mutated(Message message) {
    if (auto* own = std::get_if<Vote>(&message)) {
        switch (prng_.below(6)) {
            case 0:
                off_by_one(own->view);
                break;
            case 1:
                off_by_one(own->epoch);
                break;
            case 2:
                own->signer =
                    static_cast<ReplicaIndex>((own->signer + 1) % config_.validators.size());
                return message;  // under the old signature
            case 3:
                own->kind = static_cast<VoteKind>(1 + prng_.below(3));
                break;
            case 4:
                if (!votes_.empty()) own->hash = votes_[prng_.below(votes_.size())].hash;
                break;
            case 5:
                if (!votes_.empty()) return votes_[prng_.below(votes_.size())];
                break;
        }
        if (own->kind != VoteKind::skip && own->hash.is_zero()) own->hash = random_hash();
        return vote(own->kind, own->view, own->hash, own->epoch);
    }
    if (auto* cert = std::get_if<Cert>(&message)) {
        switch (prng_.below(5)) {
            case 0:
                off_by_one(cert->view);
                break;
            case 1:
                off_by_one(cert->epoch);
                break;
            case 2:
                cert->signers = cert->signers << 1;
                break;
            case 3:
                if (!notars_.empty() && cert->kind != VoteKind::skip)
                    cert->hash = notars_.begin()->second.hash;
                break;
            case 4:
                std::reverse(cert->signatures.begin(), cert->signatures.end());
                break;
        }
    } else if (auto* status = std::get_if<Status>(&message)) {
        switch (prng_.below(4)) {
            case 0:
                off_by_one(status->view);
                break;
            case 1:
                off_by_one(status->final_view);
                break;
            case 2:
                off_by_one(status->final_height);
                break;
            case 3:
                off_by_one(status->epoch);
                break;
        }
    } else if (auto* get = std::get_if<GetRange>(&message)) {
        off_by_one(prng_.chance(0.5) ? get->from : get->to);
    } else if (auto* proof = std::get_if<EpochProof>(&message)) {
        off_by_one(prng_.chance(0.5) ? proof->end.header.epoch : proof->end.header.view);
    } else if (auto* piece = std::get_if<GetPiece>(&message)) {
        off_by_one(piece->height);
    } else if (auto* proposal = std::get_if<Proposal>(&message)) {
        if (proposal->vote.signer == key_ && prng_.chance(0.7))
            return propose(lie_in_header(*proposal->block));
        if (!blocks_.empty()) proposal->block = blocks_.begin()->second;
    }
    return message;
}

}  // namespace kilter::consensus::simulation
