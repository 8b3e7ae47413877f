/// The folder in which an operator, or a tool on this machine, puts what shall go on the log: submit/ in the state directory.
///
/// *.entry holds a signed entry. It lies there, and is submitted again and again, until it is final; then it is removed, or,
/// if the log refuses it, renamed *.refused. *.epochs holds another coordinator's log.epochs: proofs of the log's epochs, for
/// a coordinator that was away until all whom it knew had left. What is neither, though it is called so, is renamed too.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/consensus/epoch.hpp"
#include "common/consensus/replica.hpp"

namespace kilter::coordinator {

class Spool {
  public:
    Spool(std::filesystem::path folder, const consensus::ChainId& chain)
        : folder_(std::move(folder)), chain_(chain) {}

    using IsFinal = std::function<bool(const consensus::EntryId&)>;
    /// All that wait. Files of final ones are removed.
    std::vector<consensus::EntryPtr> entries(const IsFinal& is_final);

    struct Epochs {
        std::filesystem::path file;
        std::vector<consensus::EpochProof> proofs;  ///< of this log, from epoch 1 on, not checked
    };

    [[nodiscard]] std::vector<Epochs> epochs() const;

    /// What the log says about an entry, of this folder or not.
    void on_answer(const consensus::SubmissionAnswer& answer);
    /// A change of the roster is at the log, not answered yet.
    [[nodiscard]] bool has_roster_change() const;

    /// Says why, and renames it *.refused.
    static void refuse(const std::filesystem::path& file, const std::string& why);

  private:
    struct Submitted {
        std::filesystem::path file;
        bool roster = false;  // a change of it
    };

    [[nodiscard]] std::vector<std::filesystem::path> files(const char* extension) const;

    std::filesystem::path folder_;
    consensus::ChainId chain_;
    std::map<consensus::EntryId, Submitted> submitted_;  // not answered yet
};

}  // namespace kilter::coordinator
