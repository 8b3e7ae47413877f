/// What a home knows of the rules in force: the newest docket that was proved to it, and how far it knows the log to be.
/// Both only grow, so nobody can show it yesterday's rules.
#pragma once

#include <optional>

#include "common/settlement/certified_docket.hpp"

namespace kilter::agent {

class KnownRules {
  public:
    explicit KnownRules(const settlement::Genesis& genesis) : docket_(genesis.rules()) {}

    /// Whether it is news: of a greater height than the one known.
    bool take(settlement::CertifiedDocket certified);
    /// A proof has shown that the log has a final block at this height.
    void reached(consensus::Height height);

    /// For the log's next block.
    [[nodiscard]] governance::Rules now() const { return docket_.rules_at(next()); }

    [[nodiscard]] std::uint64_t edition() const { return docket_.edition(next()); }

    /// The market parameters with this digest, if they are in force or adopted for a later height: the log may be further
    /// than this home knows. Nothing otherwise.
    [[nodiscard]] std::optional<Bytes> parameters(const crypto::Digest& digest) const;

  private:
    [[nodiscard]] consensus::Height next() const { return height_ + 1; }

    governance::Docket docket_;
    consensus::Height proved_ = 0;  // after which block it was so
    consensus::Height height_ = 0;  // of the newest block known of, >= proved_
};

}  // namespace kilter::agent
