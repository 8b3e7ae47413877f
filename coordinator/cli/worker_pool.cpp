#include "coordinator/cli/worker_pool.hpp"

namespace kilter::cli {

WorkerPool::WorkerPool(unsigned threads) {
    for (unsigned i = 1; i < threads; ++i)
        helpers_.emplace_back([this, i] { help(i); });
}

WorkerPool::~WorkerPool() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& helper : helpers_)
        helper.join();
}

void WorkerPool::run(std::size_t count, Call call, void* context) {
    {
        const std::lock_guard lock(mutex_);
        call_ = call;
        context_ = context;
        count_ = count;
        next_ = 0;
        busy_ = helpers_.size();
        ++calls_;
    }
    wake_.notify_all();
    take_blocks(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
}

void WorkerPool::help(std::size_t worker) {
    std::uint64_t seen = 0;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return stop_ || calls_ != seen; });
            if (stop_) return;
            seen = calls_;
        }
        take_blocks(worker);
        const std::lock_guard lock(mutex_);
        if (--busy_ == 0) done_.notify_one();
    }
}

void WorkerPool::take_blocks(std::size_t worker) {
    for (std::size_t i = next_++; i < count_; i = next_++)
        call_(context_, worker, i);
}

}  // namespace kilter::cli
