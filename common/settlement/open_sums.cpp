#include "common/settlement/open_sums.hpp"

namespace kilter::settlement {

OpenSums::OpenSums(IntervalIndex first, IntervalIndex end)
    : first_(first), sums_(static_cast<std::size_t>(end - first)) {}

OpenSums::Sum* OpenSums::at(IntervalIndex interval) {
    const auto index = static_cast<std::size_t>(interval - first_);
    return interval >= first_ && index < sums_.size() ? &sums_[index] : nullptr;
}

void OpenSums::add(IntervalIndex interval, const CommittedInterval& part) {
    Sum* sum = at(interval);
    if (sum == nullptr) return;
    sum->commitment =
        sum->parts == 0 ? part.commitment : crypto::add(sum->commitment, part.commitment);
    sum->opening = crypto::add(sum->opening, part.opening);
    ++sum->parts;
}

void OpenSums::spoil(IntervalIndex interval) {
    if (Sum* sum = at(interval)) sum->spoiled = true;
}

std::size_t OpenSums::parts(IntervalIndex interval) const {
    return sums_[static_cast<std::size_t>(interval - first_)].parts;
}

OpenSums::Result OpenSums::open(const std::vector<std::size_t>& expected,
                                ByteView challenge) const {
    Result out;
    out.energies_wh.resize(sums_.size());
    out.members.resize(sums_.size());
    std::vector<std::size_t> ready;
    for (std::size_t t = 0; t < sums_.size(); ++t) {
        const bool complete = expected[t] > 0 && sums_[t].parts == expected[t];
        if (complete && !sums_[t].spoiled)
            ready.push_back(t);
        else
            ++out.closed;
    }
    std::vector<crypto::Scalar> weights;
    std::vector<crypto::Point> points;
    crypto::Opening total;
    for (const std::size_t t : ready) {
        const crypto::Scalar weight =
            crypto::hash_to_scalar("audit sums", challenge, ByteWriter{}.u64(t).bytes());
        const auto energy = static_cast<std::int64_t>(sums_[t].opening.energy);
        total.energy =
            crypto::add(total.energy, crypto::multiply(weight, crypto::scalar_of(energy)));
        total.blinding =
            crypto::add(total.blinding, crypto::multiply(weight, sums_[t].opening.blinding));
        weights.push_back(weight);
        points.push_back(sums_[t].commitment);
    }
    const bool all = crypto::weighted_sum(weights, points) == crypto::commit(total);
    for (const std::size_t t : ready) {
        const auto energy = static_cast<std::int64_t>(sums_[t].opening.energy);
        if (!all && sums_[t].commitment != crypto::commit(energy, sums_[t].opening.blinding)) {
            out.wrong.push_back(first_ + static_cast<IntervalIndex>(t));
            continue;
        }
        ++out.opened;
        out.energies_wh[t] = energy;
        out.members[t] = sums_[t].parts;
        out.energy_wh += energy;
    }
    return out;
}

}  // namespace kilter::settlement
