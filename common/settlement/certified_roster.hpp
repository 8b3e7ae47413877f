/// A roster with the proof that the log agreed on it. Worth the same from anybody: a coordinator, a file, a neighbour.
#pragma once

#include "common/consensus/light_client.hpp"
#include "common/settlement/entries.hpp"
#include "common/settlement/genesis.hpp"

namespace kilter::settlement {

struct CertifiedRoster {
    Roster roster;
    RosterChange change;       ///< that led to it
    consensus::Header header;  ///< of the block that holds the change
    std::vector<consensus::EpochProof>
        epochs;  ///< that the receipt brought along, up to that block's
};

/// `known`: the log's epochs, at least genesis'; `receipt`: encoded, of the roster change that led to the roster, short or whole;
/// `roster`: encoded. Total. Error: why this does not prove that the log ever had this roster.
Result<CertifiedRoster> certified_roster(const consensus::EpochTable& known,
                                         ByteView receipt,
                                         ByteView roster);
/// For who knows nothing but genesis.
Result<CertifiedRoster> certified_roster(const Genesis& genesis, ByteView receipt, ByteView roster);

}  // namespace kilter::settlement
