#include "coordinator/planner/segments.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/check.hpp"

namespace kilter::planner {

namespace {

/// So stiff that a net does not feel it.
constexpr double weight_watching = 1e6;

/// A device that also sits, with nothing, at nets of others.
class Watching final : public model::Device {
  public:
    /// `own[i]`: where row i of `inner` is among `rows`.
    Watching(std::unique_ptr<model::Device> inner, std::vector<std::size_t> own, std::size_t rows)
        : inner_(std::move(inner)), own_(std::move(own)), rows_(static_cast<Eigen::Index>(rows)) {}

    [[nodiscard]] Eigen::Index rows() const override { return rows_; }

    [[nodiscard]] Eigen::Index intervals() const override { return inner_->intervals(); }

    model::ProxStatus prox(const model::Schedules& target,
                           const Eigen::VectorXd& penalty,
                           model::Schedules& x) override {
        Eigen::VectorXd own_penalty(inner_->rows());
        for (std::size_t i = 0; i < own_.size(); ++i)
            own_penalty[static_cast<Eigen::Index>(i)] = penalty[static_cast<Eigen::Index>(own_[i])];
        const model::ProxStatus status = inner_->prox(own_rows(target), own_penalty, own_x_);
        x.setZero(rows_, intervals());
        for (std::size_t i = 0; i < own_.size(); ++i)
            x.row(static_cast<Eigen::Index>(own_[i])) = own_x_.row(static_cast<Eigen::Index>(i));
        return status;
    }

    [[nodiscard]] double cost(const model::Schedules& x) const override {
        return inner_->cost(own_rows(x));
    }

    [[nodiscard]] std::string explain() const override { return inner_->explain(); }

  private:
    [[nodiscard]] model::Schedules own_rows(const model::Schedules& of) const {
        model::Schedules out(inner_->rows(), of.cols());
        for (std::size_t i = 0; i < own_.size(); ++i)
            out.row(static_cast<Eigen::Index>(i)) = of.row(static_cast<Eigen::Index>(own_[i]));
        return out;
    }

    std::unique_ptr<model::Device> inner_;
    std::vector<std::size_t> own_;
    Eigen::Index rows_;
    model::Schedules own_x_;
};

/// Branches to cut so that each takes at least `share` nets off; branch b leads to bus branches[b].to.
std::vector<bool> cuts_at(const model::Network& network, double share, std::size_t most) {
    std::vector<double> behind(network.buses.size(), 0);
    for (const model::Net& net : network.nets)
        behind[net.bus] += 1;
    std::vector<bool> out(network.branches.size(), false);
    for (std::size_t b = network.branches.size(); b-- > 0;) {
        const model::Branch& branch = network.branches[b];
        const double taken = behind[branch.to];
        if (taken >= share && most > 0 && static_cast<double>(network.nets.size()) - taken >= 1) {
            out[b] = true;
            --most;
        } else {
            behind[branch.from] += taken;
        }
    }
    return out;
}

std::vector<bool> choose_cuts(const model::Network& network, std::size_t pieces) {
    double share = static_cast<double>(network.nets.size()) / static_cast<double>(pieces);
    while (true) {
        std::vector<bool> out = cuts_at(network, share, pieces - 1);
        const auto count = static_cast<std::size_t>(std::count(out.begin(), out.end(), true));
        if (count + 1 >= pieces || share < 1) return out;
        share *= 0.9;
    }
}

}  // namespace

std::vector<Segment> cut(const model::Network& network, std::size_t pieces) {
    KILTER_CHECK(pieces >= 1, "a feeder has one piece at least");
    const std::vector<bool> cuts = choose_cuts(network, pieces);
    std::vector<Segment> out;
    std::vector<std::size_t> piece_of(network.buses.size(), 0), place(network.buses.size(), 0);
    std::vector<double> drop(network.buses.size(), 0);
    const auto open = [&](std::size_t root) {
        Segment piece;
        piece.network.base_kv = network.base_kv;
        piece.network.v_root_pu = network.v_root_pu;
        piece.network.name = network.name + ", piece " + std::to_string(out.size());
        piece.network.buses.push_back(network.buses[root]);
        piece.buses.push_back(root);
        out.push_back(std::move(piece));
    };
    open(network.root);
    out.front().network.tie = network.tie;
    for (std::size_t b = 0; b < network.branches.size(); ++b) {
        model::Branch branch = network.branches[b];
        const std::size_t bus = branch.to;
        drop[bus] =
            drop[branch.from] + 2 * branch.r_ohm / (1000 * network.base_kv * network.base_kv);
        std::size_t piece = piece_of[branch.from];
        std::size_t from = place[branch.from];
        if (cuts[b]) {
            const std::size_t upper = std::exchange(piece, out.size());
            open(branch.from);
            out[piece].above = upper;
            out[piece].end_above = out[upper].ends.size();
            out[piece].kw_per_pu2 = 1 / drop[bus];
            out[upper].ends.push_back(from);
            out[upper].below.push_back(piece);
            from = 0;
        }
        Segment& own = out[piece];
        piece_of[bus] = piece;
        place[bus] = own.buses.size();
        branch.from = from;
        branch.to = place[bus];
        own.network.buses.push_back(network.buses[bus]);
        own.buses.push_back(bus);
        own.network.branches.push_back(std::move(branch));
    }
    for (std::size_t n = 0; n < network.nets.size(); ++n) {
        const std::size_t bus = network.nets[n].bus;
        Segment& own = out[piece_of[bus]];
        own.network.nets.push_back({network.nets[n].name, place[bus]});
        own.nets.push_back(n);
    }
    return out;
}

model::FeederHorizon horizon_of(const std::vector<Segment>& pieces,
                                std::size_t piece,
                                const model::FeederHorizon& series) {
    const Segment& own = pieces[piece];
    model::FeederHorizon out;
    out.interval_h = series.interval_h;
    out.price_eur_per_kwh = series.price_eur_per_kwh;
    const auto buses = static_cast<Eigen::Index>(own.buses.size());
    out.fixed_p_kw.resize(buses, series.fixed_p_kw.cols());
    out.fixed_q_kvar.resize(buses, series.fixed_q_kvar.cols());
    for (Eigen::Index i = 0; i < buses; ++i) {
        const auto bus = static_cast<Eigen::Index>(own.buses[static_cast<std::size_t>(i)]);
        out.fixed_p_kw.row(i) = series.fixed_p_kw.row(bus);
        out.fixed_q_kvar.row(i) = series.fixed_q_kvar.row(bus);
    }
    if (piece > 0) {  // the load of the bus it hangs on is the upper piece's
        out.fixed_p_kw.row(0).setZero();
        out.fixed_q_kvar.row(0).setZero();
    }
    for (std::size_t i = 0; i < own.ends.size(); ++i)
        out.fixed_q_kvar.row(static_cast<Eigen::Index>(own.ends[i])) +=
            horizon_of(pieces, own.below[i], series).fixed_q_kvar.colwise().sum();
    return out;
}

void SegmentedFeeder::place(std::size_t piece,
                            const prox::SegmentTerminal& terminal,
                            std::size_t net,
                            double weight) {
    places_[piece].push_back({net, terminal, weight});
    seats_[net].members.push_back({owner_of(piece), weight});
    ++terminals_;
}

SegmentedFeeder::SegmentedFeeder(const model::Network& network,
                                 std::size_t pieces,
                                 const std::vector<Resident>& homes,
                                 const market::Parameters& parameters)
    : pieces_(cut(network, pieces)),
      homes_(homes.size()),
      places_(pieces_.size()),
      seats_(seats_of(network.nets.size(), homes, parameters)),
      terminals_(static_cast<std::uint32_t>(homes.size())) {
    using Quantity = prox::SegmentTerminal::Quantity;
    const std::size_t energy = network.nets.size(), count = pieces_.size();
    std::vector<std::size_t> own_homes(count, 0), behind(count, 0);
    for (std::size_t s = 0; s < count; ++s)
        for (const std::size_t net : pieces_[s].nets)
            own_homes[s] += seats_[net].members.size() - 1;
    for (std::size_t s = count; s-- > 0;) {
        behind[s] += own_homes[s];
        if (s > 0) behind[pieces_[s].above] += behind[s];
    }
    for (std::size_t s = 0; s < count; ++s)
        for (std::size_t j = 0; j < pieces_[s].nets.size(); ++j) {
            const std::size_t net = pieces_[s].nets[j];
            const double weight = seats_[net].members.front().weight;
            if (s == 0)  // where the uncut feeder would sit
                seats_[net].members.erase(seats_[net].members.begin());
            else
                seats_[net].members.front().weight = weight_watching;
            place(s, {Quantity::delivery, j, -1}, net, weight);
            std::sort(seats_[net].members.begin(), seats_[net].members.end());
        }
    for (std::size_t net = energy; net < energy + 1 + 2 * (count - 1); ++net)
        seats_.push_back({NetId{static_cast<std::uint32_t>(net)}, {}});
    place(0, {Quantity::others, 0, -1}, energy, parameters.feeder_weight(homes_ - own_homes[0]));
    for (std::size_t s = 1; s < count; ++s) {
        const double drawn = parameters.feeder_weight(own_homes[s]);
        place(s, {Quantity::drawn, 0, 1}, energy, drawn);
        const double voltage = parameters.feeder_weight(behind[s]);
        // Boundary r is on the way to piece s: s is behind it, and what is above it makes a part of the drop to s.
        for (std::size_t r = s; r > 0; r = pieces_[r].above) {
            const std::size_t flow = energy + 2 * r - 1, drop = energy + 2 * s;
            place(s, {Quantity::drawn, 0, 1}, flow, drawn);
            place(pieces_[r].above, {Quantity::drop, pieces_[r].end_above, -pieces_[s].kw_per_pu2},
                  drop, voltage);
        }
        place(pieces_[s].above, {Quantity::flow, pieces_[s].end_above, -1}, energy + 2 * s - 1,
              parameters.feeder_weight(behind[s]));
        place(s, {Quantity::start, 0, pieces_[s].kw_per_pu2}, energy + 2 * s, voltage);
    }
    for (std::size_t net = energy; net < seats_.size(); ++net) {
        std::vector<market::Member>& members = seats_[net].members;
        std::sort(members.begin(), members.end());
        if (members.front().party != chair)
            members.insert(members.begin(), {chair, weight_watching});
    }
}

std::vector<SegmentedFeeder::Owner> SegmentedFeeder::owners(
    const model::FeederHorizon& series) const {
    std::vector<Owner> out;
    for (std::size_t s = 0; s < pieces_.size(); ++s) {
        Owner owner{owner_of(s), {}, {}, nullptr};
        std::vector<prox::SegmentTerminal> terminals;
        for (const Place& at : places_[s]) {
            owner.nets.push_back(at.net);
            terminals.push_back(at.terminal);
        }
        owner.device = std::make_unique<prox::FeederSegment>(
            pieces_[s].network, horizon_of(pieces_, s, series), pieces_[s].ends, terminals);
        if (s == 0) {
            owner.device =
                std::make_unique<Watching>(std::move(owner.device), owner.nets, seats_.size());
            owner.nets.resize(seats_.size());
            std::iota(owner.nets.begin(), owner.nets.end(), std::size_t{0});
        }
        for (const std::size_t net : owner.nets)
            owner.seats.push_back(seats_[net]);
        out.push_back(std::move(owner));
    }
    return out;
}

}  // namespace kilter::planner
