/// Threads for the K-suite's blocks: the caller and helpers that sleep between calls.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "coordinator/ksuite/workers.hpp"

namespace kilter::cli {

class WorkerPool final : public ksuite::Workers {
  public:
    /// REQUIRES: threads ≥ 1, the caller's included.
    explicit WorkerPool(unsigned threads);
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    ~WorkerPool() override;

    [[nodiscard]] std::size_t count() const override { return helpers_.size() + 1; }

  protected:
    /// One call at a time.
    void run(std::size_t count, Call call, void* context) override;

  private:
    void help(std::size_t worker);
    void take_blocks(std::size_t worker);

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::uint64_t calls_ = 0;  ///< how many there have been
    std::size_t busy_ = 0;     ///< helpers that have not finished this call
    bool stop_ = false;
    Call call_ = nullptr;
    void* context_ = nullptr;
    std::size_t count_ = 0;
    std::atomic<std::size_t> next_{0};
    std::vector<std::thread> helpers_;
};

}  // namespace kilter::cli
