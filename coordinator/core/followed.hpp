/// A session that another coordinator chairs, as this one computes it beside it: ready to be taken over.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "coordinator/core/chaired.hpp"
#include "coordinator/core/journal.hpp"

namespace kilter::coordinator {

class Followed {
  public:
    explicit Followed(const market::SessionId& id) : id_(id) {}

    [[nodiscard]] const market::SessionId& id() const { return id_; }

    /// A piece of this session's journal. REQUIRES: attendance.chair(); the charter outlives this.
    void on_piece(const JournalPiece& piece,
                  const Charter& charter,
                  const Attendance& attendance,
                  UnixMs now);

    /// Whether everything there was to hear has been heard.
    [[nodiscard]] bool ready() const { return session_ != nullptr && !session_->lost(); }

    /// The session, and what it has come to if it has been stopped. REQUIRES: ready().
    [[nodiscard]] Chaired take() { return std::move(*session_); }

    /// REQUIRES: ready().
    [[nodiscard]] const std::vector<NetId>& nets() const { return session_->nets(); }

    [[nodiscard]] std::optional<market::Cleared> take_cleared() { return std::move(cleared_); }

  private:
    void on_journal(market::Journal journal, UnixMs now);

    market::SessionId id_;
    PieceStack pieces_;
    std::map<std::uint32_t, market::Journal> early_;  // by iteration
    std::uint32_t heard_ = 0;                         // up to this iteration
    std::unique_ptr<Chaired> session_;
    std::optional<market::Cleared> cleared_;
};

}  // namespace kilter::coordinator
