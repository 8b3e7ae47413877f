/// S2, S3, S4, S8: what one honest key may sign, and that it was on disk first. Sees every vote that an honest process
/// lets out.
#pragma once

#include <map>
#include <set>

#include "common/consensus/vote.hpp"
#include "tests/simulator/report.hpp"

namespace kilter::consensus::simulation {

class VoteChecker {
  public:
    explicit VoteChecker(Report& report) : report_(report) {}

    /// `durable`: the vote is in the sender's durable image at this moment.
    void on_vote(const Vote& vote, bool durable);

  private:
    struct Spoken {
        std::set<BlockHash> notar, final;
        bool skip = false;
    };

    Report& report_;
    std::map<std::tuple<Epoch, View, ReplicaIndex>, Spoken> spoken_;
};

}  // namespace kilter::consensus::simulation
