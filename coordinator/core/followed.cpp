#include "coordinator/core/followed.hpp"

#include <algorithm>
#include <iterator>

#include "common/base/limits.hpp"

namespace kilter::coordinator {

namespace {

// What homes can go back by: one that missed more cannot take over.
constexpr std::size_t early_max = limits::history_max;

// The seats with this coordinator in the chair's place; nothing when the roster has others there.
std::optional<std::vector<market::Seat>> seats_beside(const SessionStart& start,
                                                      const Charter& charter,
                                                      const Attendance& attendance) {
    std::vector<market::Seat> out = start.seats;
    for (std::size_t i = 0; i < out.size(); ++i) {
        market::Seat& seat = out[i];
        if (!charter.feeds(seat.net) || (i > 0 && out[i - 1].net >= seat.net)) return std::nullopt;
        bool chaired = false;
        for (market::Member& member : seat.members) {
            if (member.party == start.chair) {
                member.party = *attendance.chair();
                chaired = true;
            } else if (!attendance.serves(member.party, seat.net)) {
                return std::nullopt;
            }
        }
        if (!chaired || seat.members.size() < 2) return std::nullopt;
    }
    return out;
}

}  // namespace

void Followed::on_piece(const JournalPiece& piece,
                        const Charter& charter,
                        const Attendance& attendance,
                        UnixMs now) {
    const auto whole = pieces_.add(piece);
    if (!whole) return;
    if (piece.iteration > 0) {
        if (auto journal = decode_journal(*whole, piece.iteration))
            on_journal(std::move(*journal), now);
        return;
    }
    if (session_) return;
    auto start = decode_start(*whole, charter.parameters);
    if (!start || start->roster_epoch != attendance.directory()->epoch() ||
        start->parameters != charter.parameters_digest)
        return;
    auto seats = seats_beside(*start, charter, attendance);
    if (!seats) return;
    session_ = std::make_unique<Chaired>(charter, id_, attendance, *seats, start->start, now,
                                         Chaired::Place::beside);
    Outputs quiet;
    session_->step(market::Follow{}, now, quiet);
}

void Followed::on_journal(market::Journal journal, UnixMs now) {
    if (!session_) return;
    const std::uint32_t iteration = journal.iteration;
    early_.insert_or_assign(iteration, std::move(journal));
    if (early_.size() > early_max) early_.erase(std::prev(early_.end()));
    while (!early_.empty() && early_.begin()->first <= heard_ + 1) {
        const market::Journal next = std::move(early_.extract(early_.begin()).mapped());
        heard_ = std::max(heard_, next.iteration);
        Outputs quiet;
        auto step = session_->step(market::Journaled{next}, now, quiet);
        if (step.cleared) cleared_ = std::move(step.cleared);
    }
}

}  // namespace kilter::coordinator
