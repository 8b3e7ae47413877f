#include "tests/simulator/neighbourhood/liar.hpp"

namespace kilter::simulation {

namespace {

constexpr std::uint64_t kw = std::uint64_t{1} << 20;  // in a share's units
constexpr std::uint32_t mute_after = 3;               // iterations
constexpr std::size_t remembered_max = 50;

}  // namespace

void Liar::lie_about(market::MaskedShare& share, const crypto::PublicKey& to) {
    std::uint64_t& word = share.words.front();
    switch (lie_) {
        case Lie::offset:
            word += kw;
            return;
        case Lie::beyond:
            word += 100'000 * kw;
            return;
        case Lie::two_faced:
            word += to.bytes[0] * kw;
            return;
        case Lie::changing:
            word += prng_.below(8) * kw;
            return;
        case Lie::malformed:
            switch (prng_.below(4)) {
                case 0:
                    return share.words.pop_back();
                case 1:
                    return share.members.push_back(PartyId{9'999});
                case 2:
                    share.notice = market::Notice{share.iteration - 1, 0, 0, share.iteration - 1,
                                                  market::Outcome::converged};
                    return;
                default:
                    share.iteration += 7;
                    return;
            }
        case Lie::none:
        case Lie::half_heard:
        case Lie::mute:
        case Lie::forger:
        case Lie::replayer:
        case Lie::count:
            return;
    }
}

std::vector<wire::Outgoing> Liar::alter(wire::Outgoing letter) {
    if (auto* sent = std::get_if<wire::Share>(&letter.message)) {
        if (lie_ == Lie::mute && sent->share.iteration > mute_after) return {};
        if (lie_ == Lie::half_heard && letter.to.bytes[0] % 2 == 0) return {};
        lie_about(sent->share, letter.to);
        if (!wire::check(letter.message)) return {};
    }
    if (auto* clearing = std::get_if<wire::ClearingShare>(&letter.message);
        clearing != nullptr && lie_ == Lie::forger)
        clearing->commitment.bytes[0] ^= 1;
    std::vector<wire::Outgoing> out{letter};
    if (lie_ == Lie::replayer) {
        if (!sent_.empty()) out.push_back(sent_[prng_.below(sent_.size())]);
        sent_.push_back(std::move(letter));
        if (sent_.size() > remembered_max) sent_.pop_front();
    }
    return out;
}

}  // namespace kilter::simulation
