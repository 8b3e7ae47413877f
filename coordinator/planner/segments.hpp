/// A feeder cut into pieces of different owners, as a configuration of the ordinary session: each piece is a device
/// (common/prox/feeder_segment.hpp), and beside the nets of the homes there are one where all pieces trade energy and, per
/// boundary, one for its flow and one for its voltage. The owner of the piece at the substation chairs, and so sits on every
/// net; on those of other pieces with a terminal that never carries anything.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "common/prox/feeder_segment.hpp"
#include "coordinator/planner/clearing.hpp"

namespace kilter::planner {

/// A piece. Boundary s − 1 is where piece s > 0 hangs on another one.
struct Segment {
    model::Network network;
    std::vector<std::size_t> buses;  ///< of the whole feeder, in the order of its network's
    std::vector<std::size_t> nets;   ///< likewise
    std::size_t above = 0;           ///< the piece it hangs on; of the substation's: itself
    std::size_t end_above = 0;       ///< which of that piece's ends
    std::vector<std::size_t> ends;   ///< buses of its network where others hang
    std::vector<std::size_t> below;  ///< the pieces that hang there
    double kw_per_pu2 = 0;           ///< the flow that would make a drop of 1 where it begins
};

/// Into `pieces` of about as many nets each, fewer where the tree does not have them; the substation's first, every one
/// before those that hang on it. REQUIRES: network normalised, valid, without losses, resistances above 0.
std::vector<Segment> cut(const model::Network& network, std::size_t pieces);

/// A piece's part of the whole feeder's series: its own loads, and the reactive load behind its ends.
model::FeederHorizon horizon_of(const std::vector<Segment>& pieces,
                                std::size_t piece,
                                const model::FeederHorizon& series);

/// What a session of a cut feeder is made of.
class SegmentedFeeder {
  public:
    /// `homes`: as seats_of(); owners of the pieces that do not chair are the parties after them.
    SegmentedFeeder(const model::Network& network,
                    std::size_t pieces,
                    const std::vector<Resident>& homes,
                    const market::Parameters& parameters);

    struct Owner {
        PartyId party;
        std::vector<std::size_t> nets;    ///< of the session, as its device's terminals
        std::vector<market::Seat> seats;  ///< at those
        std::unique_ptr<model::Device> device;
    };

    /// Everybody at every net: those of the homes, then energy, then per boundary flow and voltage.
    [[nodiscard]] const std::vector<market::Seat>& seats() const { return seats_; }

    /// Terminals that carry something: what residuals are means over.
    [[nodiscard]] std::uint32_t terminals() const { return terminals_; }

    /// One session's devices, the chair's first.
    [[nodiscard]] std::vector<Owner> owners(const model::FeederHorizon& series) const;

  private:
    struct Place {
        std::size_t net = 0;
        prox::SegmentTerminal terminal;
        double weight = 0;
    };

    [[nodiscard]] PartyId owner_of(std::size_t piece) const {
        return piece == 0 ? chair : party_of(homes_ + piece - 1);
    }

    void place(std::size_t piece,
               const prox::SegmentTerminal& terminal,
               std::size_t net,
               double weight);

    std::vector<Segment> pieces_;
    std::size_t homes_;
    std::vector<std::vector<Place>> places_;  ///< by piece
    std::vector<market::Seat> seats_;
    std::uint32_t terminals_ = 0;
};

}  // namespace kilter::planner
