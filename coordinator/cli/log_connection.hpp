/// A desk's line to the coordinators of a log, as a peer of theirs that nobody can connect to. What they answer counts only
/// with its proof. It begins with the coordinators it is given, genesis' or later ones, and follows the proofs of the log's epochs
/// to those of today.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "common/consensus/epoch.hpp"
#include "common/crypto/identity.hpp"
#include "common/settlement/genesis.hpp"
#include "common/transport/hub.hpp"

namespace kilter::cli {

class LogConnection {
  public:
    /// The first two must outlive it. `seconds_max`: for each answer.
    LogConnection(const settlement::Genesis& genesis,
                  const crypto::Identity& identity,
                  consensus::EpochTable epochs,
                  int seconds_max)
        : genesis_(genesis),
          identity_(identity),
          seconds_max_(seconds_max),
          epochs_(std::move(epochs)) {}

    /// Greets every coordinator as one that knows nothing, and hands on what they answer until `enough` says so of the
    /// coordinators whose greeting was returned, with the newest each claims, and of the time since the first of these.
    /// Error: a refusal, or nothing in time.
    using Answer = std::function<void(const wire::Message&)>;
    using Enough = std::function<bool(const std::map<crypto::PublicKey, wire::Hello>& claims)>;
    Result<void> ask(const Answer& answer, const Enough& enough, const std::string& what);

    /// The entry's receipt, whole, encoded and checked. Error: the log refuses it, or does not answer in time.
    Result<Bytes> submit(const consensus::SealedEntry& entry);

    /// As far as the coordinators have shown: ask() first.
    [[nodiscard]] const consensus::EpochTable& epochs() const { return epochs_; }

  private:
    Result<void> connect();
    void take_epoch(const wire::ConsensusMessage& message);
    [[nodiscard]] Error silence(const std::string& what) const;

    const settlement::Genesis& genesis_;
    const crypto::Identity& identity_;
    int seconds_max_;
    consensus::EpochTable epochs_;
    std::optional<transport::Hub> hub_;
};

}  // namespace kilter::cli
