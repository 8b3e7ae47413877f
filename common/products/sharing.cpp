#include "common/products/sharing.hpp"

#include <algorithm>
#include <numeric>

namespace kilter::products {

namespace {
constexpr const char* sharing_product = "sharing";

Result<void> check(const SharingInterval& interval) {
    if (interval.version < 1 || interval.version > 2)
        return Error{"sharing: version " + std::to_string(interval.version) + " is not known"};
    std::int64_t ppm = 0;
    for (const SharingMember& member : interval.members) {
        if (member.consumed_wh < 0 || member.coefficient_ppm < 0)
            return Error{"sharing: member " + member.account +
                         " has a negative consumption or coefficient"};
        ppm += member.coefficient_ppm;
    }
    for (const SharingProducer& producer : interval.producers)
        if (producer.fed_in_wh < 0)
            return Error{"sharing: producer " + producer.account + " has a negative feed-in"};
    if (interval.coefficients == Coefficients::fixed && ppm > million)
        return Error{"sharing: the coefficients sum to " + std::to_string(ppm) +
                     " parts per million, more than there is"};
    return {};
}

// What members have left goes to those who still consume, by their coefficients.
void offer_again(Wh surplus,
                 const SharingInterval& interval,
                 const std::vector<Wh>& consumed,
                 std::vector<Wh>& allocated) {
    Wh left = surplus;
    std::vector<std::int64_t> weights;
    std::vector<std::int64_t> room;
    for (std::size_t i = 0; i < consumed.size(); ++i) {
        left -= allocated[i];
        weights.push_back(interval.members[i].coefficient_ppm);
        room.push_back(consumed[i] - allocated[i]);
    }
    const auto more = share_out_within(left, weights, room);
    for (std::size_t i = 0; i < consumed.size(); ++i)
        allocated[i] += more[i];
}

}  // namespace

Result<Shared> share(const SharingInterval& interval) {
    if (auto sound = check(interval); !sound) return sound.error();
    std::vector<std::int64_t> weights;
    std::vector<std::int64_t> consumed;
    std::vector<std::int64_t> fed_in;
    for (const SharingMember& member : interval.members) {
        weights.push_back(member.coefficient_ppm);
        consumed.push_back(member.consumed_wh);
    }
    for (const SharingProducer& producer : interval.producers)
        fed_in.push_back(producer.fed_in_wh);
    const Wh surplus = std::accumulate(fed_in.begin(), fed_in.end(), Wh{0});
    Shared out;
    if (interval.coefficients == Coefficients::fixed) {
        // The part of nobody is a weight of its own, so that k_i means k_i of the whole.
        weights.push_back(million -
                          std::accumulate(weights.begin(), weights.end(), std::int64_t{0}));
        out.allocated_wh = share_out(surplus, weights);
        out.allocated_wh.pop_back();
        for (std::size_t i = 0; i < consumed.size(); ++i)
            out.allocated_wh[i] = std::min(out.allocated_wh[i], consumed[i]);
        if (interval.version == 2) offer_again(surplus, interval, consumed, out.allocated_wh);
    } else {
        const Wh demand = std::accumulate(consumed.begin(), consumed.end(), Wh{0});
        out.allocated_wh = share_out(std::min(surplus, demand), consumed);
    }
    const Wh sold = std::accumulate(out.allocated_wh.begin(), out.allocated_wh.end(), Wh{0});
    out.sold_wh = share_out(sold, fed_in);
    for (std::size_t i = 0; i < interval.members.size(); ++i) {
        const MicroEur owed = charge(out.allocated_wh[i], interval.price_micro_eur_per_kwh);
        const auto parts = share_out(owed, fed_in);
        for (std::size_t j = 0; j < interval.producers.size(); ++j)
            pay(out.transfers, interval.members[i].account, interval.producers[j].account, parts[j],
                sharing_product);
    }
    return out;
}

}  // namespace kilter::products
