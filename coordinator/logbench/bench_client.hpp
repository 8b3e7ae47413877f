/// The clients of a measurement: a closed loop of signed entries, handed to the replicas in turn, each answered with a
/// receipt (full mode) or named in a batch of final ones (order mode). An entry that gets no answer in 1.5 s goes to the next
/// replica.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>

#include "common/consensus/light_client.hpp"
#include "common/runtime/loop.hpp"
#include "common/transport/hub.hpp"
#include "coordinator/logbench/site.hpp"

namespace kilter::coordinator {

struct Load {
    std::size_t outstanding = 256;
    double warm_up_s = 0;
    double seconds = 0;              ///< measured, after the warm-up
    std::uint64_t entries = 0;       ///< end after so many instead, if not 0
    std::int64_t life_ms = 600'000;  ///< of an entry: when it expires
};

/// What came of a load, in the time measured.
struct Sample {
    double seconds = 0;
    std::uint64_t entries = 0;
    std::vector<std::int64_t> latencies_us;  ///< ascending
    std::vector<std::int64_t> final_us;      ///< when each answer came, monotonic clock, ascending
    std::uint64_t resent = 0;
    std::uint64_t refused = 0;

    /// 0 <= share <= 1. 0 when there is nothing.
    [[nodiscard]] double latency_ms(double share) const;
    /// The longest time without an answer in [from, to].
    [[nodiscard]] double longest_gap_ms(std::int64_t from_us, std::int64_t to_us) const;
};

/// The monotonic clock of Sample::final_us.
std::int64_t monotonic_us();

class BenchClient {
  public:
    static Result<std::unique_ptr<BenchClient>> open(const Site& site,
                                                     Mode mode,
                                                     const crypto::Identity& identity);

    /// Signs so many entries now, so that signing costs nothing while it is measured.
    void sign_ahead(std::uint64_t entries, std::int64_t life_ms);
    /// Calls `tick` every 10 ms with the time since the measured part began, in seconds (negative: warm-up).
    /// Error: entries that were not answered within 15 s after the load's end.
    Result<Sample> run(const Load& load, const std::function<void(double)>& tick = {});
    /// Nothing is sent to it any more.
    void give_up(std::size_t replica);
    /// Waits until every replica in use takes messages. Error: one does not within `seconds`.
    Result<void> wait_for_links(double seconds);

    /// A few of the receipts that came, from all over the run.
    [[nodiscard]] const std::vector<Bytes>& receipts() const { return receipts_; }

    /// Every entry answered so far, by id.
    [[nodiscard]] std::uint64_t answered() const { return answered_; }

  private:
    struct Pending {
        consensus::EntryPtr entry;
        std::int64_t first_us = 0;
        std::int64_t sent_us = 0;
    };

    BenchClient(const Site& site, Mode mode);

    void refill();
    void take_mail();
    void answered(std::uint64_t tag);
    void resend_late();
    void send_out();
    void place(const consensus::EntryPtr& entry);
    consensus::EntryPtr next_entry(std::int64_t life_ms);
    consensus::EntryPtr make_entry(std::int64_t life_ms);

    Site site_;
    Mode mode_;
    consensus::ChainId chain_;
    runtime::Loop loop_;
    std::optional<transport::Hub> hub_;
    std::vector<crypto::Identity> authors_;
    std::vector<std::size_t> in_use_;  // replicas
    std::size_t turn_ = 0;
    std::uint64_t counter_ = 0;
    std::deque<consensus::EntryPtr> signed_;
    std::unordered_map<std::uint64_t, Pending> pending_;      // by tag_of
    std::vector<std::vector<consensus::EntryPtr>> outboxes_;  // order mode, per replica
    std::vector<Bytes> receipts_;
    std::uint64_t answered_ = 0;
    bool measuring_ = false;
    bool sending_ = false;
    const Load* current_ = nullptr;  // while one runs
    Sample sample_;
    std::string refusal_;  // the last one's reason
};

}  // namespace kilter::coordinator
