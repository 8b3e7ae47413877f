#include "coordinator/planner/segments.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"

namespace kilter::planner {

namespace {

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
        std::size_t piece = piece_of[branch.from];
        std::size_t from = place[branch.from];
        if (cuts[b]) {
            const std::size_t upper = std::exchange(piece, out.size());
            open(branch.from);
            out[piece].above = upper;
            out[piece].end_above = out[upper].ends.size();
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

namespace {

std::vector<prox::PieceNewton> owners_of(const std::vector<Segment>& pieces,
                                         const model::FeederHorizon& series) {
    std::vector<prox::PieceNewton> out;
    out.reserve(pieces.size());
    for (std::size_t s = 0; s < pieces.size(); ++s)
        out.emplace_back(pieces[s].network, horizon_of(pieces, s, series), pieces[s].ends, s > 0);
    return out;
}

std::vector<prox::Hanging> hanging(const std::vector<Segment>& pieces) {
    std::vector<prox::Hanging> out;
    out.reserve(pieces.size());
    for (const Segment& piece : pieces)
        out.push_back({piece.above, piece.end_above});
    return out;
}

}  // namespace

JointFeeder::JointFeeder(std::vector<Segment> pieces, const model::FeederHorizon& series)
    : pieces_(std::move(pieces)),
      owners_(owners_of(pieces_, series)),
      joint_(hanging(pieces_), series.fixed_p_kw.cols()),
      intervals_(series.fixed_p_kw.cols()),
      tie_(series),
      slope_(pieces_.front().network.tie.slope_eur_per_kwh_kw) {
    fixed_kw_.setZero(intervals_);
    for (std::size_t s = 0; s < pieces_.size(); ++s) {
        rows_ += static_cast<Eigen::Index>(pieces_[s].nets.size());
        fixed_kw_ += owners_[s].fixed_kw();
    }
}

bool JointFeeder::step(const model::Schedules& price,
                       const model::Schedules& demand_kw,
                       const std::vector<model::Response>& response,
                       const model::PriceRestraint& restraint) {
    const auto of_piece = [&](std::size_t s, const std::vector<model::Response>& all) {
        std::vector<model::Response> own;
        own.reserve(pieces_[s].nets.size());
        for (const std::size_t net : pieces_[s].nets)
            own.push_back(all[net]);
        return own;
    };
    for (std::size_t s = 0; s < pieces_.size(); ++s) {
        const std::vector<std::size_t>& nets = pieces_[s].nets;
        owners_[s].begin(price(nets, Eigen::all), demand_kw(nets, Eigen::all),
                         of_piece(s, response));
    }
    std::vector<model::Response> answers = response;
    const int rounds = joint_.settle(owners_, [&] {
        if (!restraint || !restraint(gathered(&prox::PieceNewton::prices), answers)) return false;
        for (std::size_t s = 0; s < pieces_.size(); ++s)
            owners_[s].change_responses(of_piece(s, answers));
        return true;
    });
    rounds_ += static_cast<std::uint32_t>(rounds);
    return rounds > 0;
}

model::Schedules JointFeeder::gathered(
    const std::function<model::Schedules(const prox::PieceNewton&)>& of) const {
    model::Schedules out(rows_, intervals_);
    for (std::size_t s = 0; s < pieces_.size(); ++s)
        out(pieces_[s].nets, Eigen::all) = of(owners_[s]);
    return out;
}

bool JointFeeder::price_step(const model::Schedules& price,
                             const model::Schedules& demand_kw,
                             const std::vector<model::Response>& response,
                             const model::PriceRestraint& restraint,
                             model::Schedules& next_price,
                             model::Schedules& delivery_kw) {
    if (!step(price, demand_kw, response, restraint)) return false;
    next_price = gathered(&prox::PieceNewton::prices);
    delivery_kw = gathered(&prox::PieceNewton::deliveries);
    return true;
}

model::ProxStatus JointFeeder::prox(const model::Schedules& target,
                                    const Eigen::VectorXd& penalty,
                                    model::Schedules& x) {
    std::vector<model::Response> response;
    response.reserve(static_cast<std::size_t>(penalty.size()));
    for (const double stiffness : penalty)
        response.push_back(model::Response::level(1 / stiffness, 0, 1, intervals_));
    agreed_ = step(model::Schedules::Zero(rows_, intervals_), -target, response, {}) &&
              gathered(&prox::PieceNewton::prices).cwiseAbs().maxCoeff() <=
                  limits::price_eur_per_kwh_max * tie_.interval_h;
    x = -gathered(&prox::PieceNewton::deliveries);
    return agreed_ ? model::ProxStatus::solved : model::ProxStatus::infeasible;
}

model::Schedules JointFeeder::marginal_price() const {
    return (tie_.interval_h * (tie_.price_eur_per_kwh.transpose() + slope_ * fixed_kw_))
        .replicate(rows_, 1);
}

double JointFeeder::cost(const model::Schedules& x) const {
    const Eigen::ArrayXd import = (fixed_kw_ - x.colwise().sum()).transpose().array();
    return tie_.interval_h *
           (import * (tie_.price_eur_per_kwh.array() + slope_ / 2 * import)).sum();
}

std::string JointFeeder::explain() const {
    return agreed_ ? std::string() : "the pieces' limits contradict each other";
}

}  // namespace kilter::planner
