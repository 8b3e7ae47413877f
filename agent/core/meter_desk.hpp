/// The home's meter at the gateway: register reads become energies (settlement::follow), and energies become entries that
/// the meter signs. Energies and registers are remembered sealed (crypto::Vault): nothing but commitments leaves the home.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/core/gateway.hpp"
#include "common/crypto/vault.hpp"
#include "common/settlement/directory.hpp"
#include "common/settlement/metering.hpp"

namespace kilter::agent {

class MeterDesk {
  public:
    /// `meter` must outlive this. Error: a remembered value that does not open or decode; it names the key.
    static Result<MeterDesk> recall(const crypto::Identity& meter,
                                    const settlement::ChainId& chain,
                                    const Memory& memory);

    /// Nothing to say of it: an empty text. Else what a person should know of this read.
    std::string take(const settlement::RegisterRead& read, Outputs& out);

    /// The next entry's content, at most a day of intervals; what it holds is not given again. Nothing: nothing is waiting,
    /// or the roster does not name this meter. Persists.
    std::optional<settlement::MeterReads> next(const settlement::Directory& directory,
                                               Outputs& out);

    /// Whether there is a read to go on from.
    [[nodiscard]] bool remembers() const { return newest_.has_value(); }

    /// What was counted may be on the log already, so nothing of it is given: the next read is where counting begins.
    void begin_anew(Outputs& out);

    [[nodiscard]] const crypto::Identity& meter() const { return meter_; }

  private:
    MeterDesk(const crypto::Identity& meter, const settlement::ChainId& chain);
    void persist(Outputs& out) const;

    const crypto::Identity& meter_;
    settlement::ChainId chain_;
    crypto::Vault vault_;
    std::unique_ptr<crypto::SumMasks> masks_;
    std::optional<settlement::RegisterRead> newest_;
    IntervalIndex begins_ = 0;  ///< the interval after the newest baseline
    std::vector<settlement::MeteredInterval> waiting_;
    std::vector<settlement::RegisterRead> raw_;  ///< the reads behind `waiting_`
};

/// The blinding of this meter's commitment of an interval.
crypto::Scalar read_blinding(const crypto::Identity& meter,
                             const settlement::ChainId& chain,
                             IntervalIndex interval);

/// Keys and values of what billing reads back: one per interval.
std::string read_key(IntervalIndex interval);
std::string position_key(IntervalIndex interval);
/// A read's energy. Nothing: not this meter's, or altered.
std::optional<settlement::MeteredInterval> open_read(const crypto::Vault& vault,
                                                     IntervalIndex interval,
                                                     ByteView sealed);
/// A position's energy and blinding, sealed by the home.
Bytes seal_position(const crypto::Vault& vault,
                    IntervalIndex interval,
                    std::int64_t energy_wh,
                    const crypto::Scalar& blinding);
std::optional<std::pair<std::int64_t, crypto::Scalar>> open_position(const crypto::Vault& vault,
                                                                     IntervalIndex interval,
                                                                     ByteView sealed);

}  // namespace kilter::agent
