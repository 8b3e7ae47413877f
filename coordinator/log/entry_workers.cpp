#include "coordinator/log/entry_workers.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <unordered_set>

#include "common/base/check.hpp"

namespace kilter::coordinator {

using consensus::SealedEntry;
using consensus::Verified;

namespace {

/// Leaves of entries that passed: a leaf names id and signature together. Two generations of bounded size, so that the
/// newest `half` ones at least are known.
class Passed {
  public:
    [[nodiscard]] bool contains(const crypto::Digest& leaf) const {
        return young_.contains(leaf) || old_.contains(leaf);
    }

    void insert(const crypto::Digest& leaf) {
        if (young_.size() >= half) {
            old_ = std::move(young_);
            young_ = {};
        }
        young_.insert(leaf);
    }

  private:
    static constexpr std::size_t half = 32'768;
    std::unordered_set<crypto::Digest> young_, old_;
};

struct Job {
    EntryWorkers::Entries entries;
    EntryWorkers::Done done;
    Verified verified = {};
};

}  // namespace

struct EntryWorkers::State {
    State(const consensus::ChainId& id, const consensus::Application& rules, Options chosen)
        : chain(id),
          application(rules),
          options(chosen),
          event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        KILTER_CHECK(event >= 0, "cannot open an event descriptor");
        KILTER_CHECK(options.threads > 0, "signatures need at least one thread");
        if (options.check)
            for (unsigned i = 0; i < options.threads; ++i)
                threads.emplace_back([this] { work(); });
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State() {
        {
            const std::lock_guard lock(mutex);
            stop = true;
        }
        wake.notify_all();
        for (std::thread& thread : threads)
            thread.join();
        ::close(event);
    }

    Verified verify(const Job& job, const std::function<bool(const SealedEntry&)>& known) const {
        return verify_entries(job.entries, chain, application, known);
    }

    void work() {
        const auto known = [this](const SealedEntry& entry) {
            const std::lock_guard lock(mutex);
            return passed.contains(entry.leaf);
        };
        for (;;) {
            Job job;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [&] { return stop || !queue.empty(); });
                if (stop) return;
                job = std::move(queue.front());
                queue.pop_front();
            }
            job.verified = verify(job, known);
            bool first = false;
            {
                const std::lock_guard lock(mutex);
                if (job.verified)
                    for (const consensus::EntryPtr& entry : job.entries)
                        passed.insert(entry->leaf);
                first = finished.empty();
                finished.push_back(std::move(job));
            }
            const std::uint64_t one = 1;
            if (first) KILTER_CHECK(::write(event, &one, sizeof one) == sizeof one, "event");
        }
    }

    consensus::ChainId chain;
    const consensus::Application& application;
    Options options;
    int event;
    std::size_t backlog = 0;

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Job> queue;
    std::vector<Job> finished;
    Passed passed;
    bool stop = false;
    std::vector<std::thread> threads;
};

EntryWorkers::EntryWorkers(const consensus::ChainId& chain,
                           const consensus::Application& application,
                           Options options)
    : state_(std::make_unique<State>(chain, application, options)) {}

EntryWorkers::~EntryWorkers() = default;

void EntryWorkers::check(Entries entries, Done done) {
    State& s = *state_;
    Job job{std::move(entries), std::move(done)};
    if (!s.options.check) {
        job.done(s.verify(job, [](const SealedEntry&) { return true; }));
        return;
    }
    std::unique_lock lock(s.mutex);
    const bool all_known = std::all_of(
        job.entries.begin(), job.entries.end(),
        [&](const consensus::EntryPtr& entry) { return s.passed.contains(entry->leaf); });
    const bool here = s.backlog == 0 && job.entries.size() == 1;
    if (!all_known && !here) {
        s.backlog += job.entries.size();
        s.queue.push_back(std::move(job));
        s.wake.notify_one();
        return;
    }
    lock.unlock();
    job.verified = s.verify(job, [&](const SealedEntry&) { return all_known; });
    if (!all_known && job.verified) {
        lock.lock();
        s.passed.insert(job.entries.front()->leaf);
        lock.unlock();
    }
    job.done(job.verified);
}

std::size_t EntryWorkers::backlog() const {
    return state_->backlog;
}

int EntryWorkers::readable() const {
    return state_->event;
}

void EntryWorkers::deliver() {
    State& s = *state_;
    std::uint64_t count = 0;
    (void)!::read(s.event, &count, sizeof count);
    std::vector<Job> finished;
    {
        const std::lock_guard lock(s.mutex);
        finished.swap(s.finished);
    }
    for (Job& job : finished) {
        s.backlog -= job.entries.size();
        job.done(job.verified);
    }
}

}  // namespace kilter::coordinator
