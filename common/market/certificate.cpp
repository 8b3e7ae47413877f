#include "common/market/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kilter::market {

namespace {

constexpr double certificate_unit = 0x1.0p-20;
constexpr double word_max = 0x1.0p50;  // 256 of them do not wrap
constexpr std::size_t words_each = 2;
/// Penalties of the feeder's steps, EUR/kW²: the smaller one finds the minimum, the larger one stays where there is none.
constexpr double penalties[] = {1e-1, 1e-2, 1e-3, 1e-4};

std::uint64_t rounded_up(double value) {
    return static_cast<std::uint64_t>(std::min(std::ceil(value / certificate_unit), word_max));
}

}  // namespace

MaskedShare regret_share(const model::Regret& regret,
                         NetId net,
                         PartyId self,
                         std::uint32_t iteration,
                         std::vector<PartyId> homes) {
    KILTER_CHECK(regret.eur >= 0 && regret.reach >= 0, "a regret and a reach are not negative");
    return {.net = net,
            .from = self,
            .iteration = iteration,
            .attempt = 0,
            .members = std::move(homes),
            .words = {rounded_up(regret.eur), rounded_up(regret.reach)},
            .notice = {}};
}

Certifier::Certifier(const Cleared& cleared, const std::vector<NetId>& nets, PartyId chair)
    : chair_(chair),
      iteration_(cleared.iteration),
      drawn_kw_(cleared.x_kw - cleared.imbalance_kw),
      y_eur_per_kw_(cleared.y_eur_per_kw) {
    KILTER_CHECK(nets.size() == cleared.members.size(), "a terminal of the chair is one net's");
    for (std::size_t i = 0; i < nets.size(); ++i) {
        Row row{.net = nets[i], .homes = cleared.members[i], .words = {}};
        std::erase(row.homes, chair);
        rows_.push_back(std::move(row));
    }
}

bool Certifier::concerns(const MaskedShare& share) const {
    return !std::binary_search(share.members.begin(), share.members.end(), chair_);
}

void Certifier::receive(const MaskedShare& share) {
    for (Row& row : rows_) {
        if (row.net != share.net) continue;
        if (share.iteration == iteration_ && share.attempt == 0 && share.members == row.homes &&
            share.words.size() == words_each &&
            std::binary_search(row.homes.begin(), row.homes.end(), share.from))
            row.words.emplace(share.from, share.words);
    }
}

bool Certifier::complete() const {
    return std::all_of(rows_.begin(), rows_.end(),
                       [](const Row& row) { return row.words.size() == row.homes.size(); });
}

Result<Certificate> Certifier::certify(model::Device& feeder) const {
    Certificate out;
    model::Schedules reach(drawn_kw_.rows(), drawn_kw_.cols());
    const Eigen::Index channels = feeder.channels();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = rows_[i];
        if (row.words.size() != row.homes.size())
            return Error{std::to_string(row.homes.size() - row.words.size()) + " of the " +
                         std::to_string(row.homes.size()) + " homes of net " +
                         std::to_string(row.net.value) + " have not said their regret"};
        std::uint64_t sums[words_each] = {};
        for (const auto& [home, words] : row.words)
            for (std::size_t k = 0; k < words_each; ++k)
                sums[k] += words[k];
        const double most = word_max * static_cast<double>(row.homes.size());
        for (const std::uint64_t sum : sums)
            if (static_cast<double>(sum) > most)
                return Error{"the homes of net " + std::to_string(row.net.value) +
                             " said regrets whose sum makes no sense: one of them masks wrongly"};
        out.homes_regret_eur += static_cast<double>(sums[0]) * certificate_unit;
        reach.middleRows(static_cast<Eigen::Index>(i) * channels, channels)
            .setConstant(static_cast<double>(sums[1]) * certificate_unit);
    }

    double least = -std::numeric_limits<double>::infinity();
    bool proven = false;
    model::Schedules step(drawn_kw_.rows(), drawn_kw_.cols());
    for (const double penalty : penalties) {
        const Eigen::VectorXd all = Eigen::VectorXd::Constant(drawn_kw_.rows(), penalty);
        const auto status = feeder.prox(drawn_kw_ - y_eur_per_kw_ / penalty, all, step);
        if (status != model::ProxStatus::solved || !feeder.proves_optimum()) continue;
        const model::Schedules e = penalty * (step - drawn_kw_);
        least = std::max(least, feeder.cost(step) + (y_eur_per_kw_ + e).cwiseProduct(step).sum() -
                                    e.cwiseAbs().cwiseProduct(reach).sum());
        proven = true;
    }
    if (!proven)
        return Error{
            "the feeder's own step proves no optimum here: limits are missed, or losses would be "
            "worth having"};
    out.feeder_regret_eur =
        feeder.cost(drawn_kw_) + y_eur_per_kw_.cwiseProduct(drawn_kw_).sum() - least;
    return out;
}

}  // namespace kilter::market
