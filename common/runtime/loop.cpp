#include "common/runtime/loop.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "common/base/check.hpp"

namespace kilter::runtime {

namespace {

using Microseconds = std::int64_t;

/// Monotonic.
Microseconds monotonic_us() {
    const auto since_epoch = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
}

/// SIGTERM and SIGINT as a readable descriptor, for as long as this lives.
class StopSignals {
  public:
    StopSignals() {
        sigset_t stops;
        sigemptyset(&stops);
        sigaddset(&stops, SIGTERM);
        sigaddset(&stops, SIGINT);
        KILTER_CHECK(pthread_sigmask(SIG_BLOCK, &stops, &before_) == 0,
                     "cannot block the stop signals");
        descriptor_ = signalfd(-1, &stops, SFD_NONBLOCK | SFD_CLOEXEC);
        KILTER_CHECK(descriptor_ >= 0, "cannot open a signal descriptor");
    }

    ~StopSignals() {
        close(descriptor_);
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }

    /// The next signal; 0: none waits.
    [[nodiscard]] int take() const {
        signalfd_siginfo signal{};
        const auto size = read(descriptor_, &signal, sizeof signal);
        return size == static_cast<ssize_t>(sizeof signal) ? static_cast<int>(signal.ssi_signo) : 0;
    }

  private:
    sigset_t before_{};
    int descriptor_ = -1;
};

struct Watch {
    zmq::pollitem_t item;
    Loop::Callback on_readable;
};

}  // namespace

UnixMs now_ms() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

struct Loop::State {
    using Due = std::pair<Microseconds, std::uint64_t>;  // when, then the order of arming

    StopSignals signals;
    std::map<std::uint64_t, Watch> watches;  // by the order of watching
    std::uint64_t watches_made = 0;
    std::map<Due, Callback> timers;
    std::map<std::uint64_t, Microseconds> due_of;  // timer id to its time
    std::uint64_t timers_made = 0;
    std::vector<Callback> after_turn;
    bool stopping = false;
    int signal = 0;

    void add(zmq::pollitem_t item, Callback on_readable) {
        watches.emplace(++watches_made, Watch{item, std::move(on_readable)});
    }

    void remove(void* socket, int descriptor) {
        std::erase_if(watches, [&](const auto& entry) {
            const zmq::pollitem_t& item = entry.second.item;
            return item.socket == socket && item.fd == descriptor;
        });
    }

    /// 0 when one is due, −1 when there is none.
    [[nodiscard]] std::chrono::milliseconds until_next_timer() const {
        if (timers.empty()) return std::chrono::milliseconds(-1);
        const Microseconds wait = timers.begin()->first.first - monotonic_us();
        return std::chrono::milliseconds(wait <= 0 ? 0 : (wait + 999) / 1'000);
    }

    void turn();
    void serve_watches();
    void fire_timers();
};

void Loop::State::turn() {
    serve_watches();
    fire_timers();
    for (const Callback& callback : after_turn)
        callback();
}

void Loop::State::serve_watches() {
    std::vector<zmq::pollitem_t> items{{nullptr, signals.descriptor(), ZMQ_POLLIN, 0}};
    std::vector<std::uint64_t> ids{0};
    for (const auto& [id, watch] : watches) {
        items.push_back(watch.item);
        ids.push_back(id);
    }
    try {
        zmq::poll(items, stopping ? std::chrono::milliseconds(0) : until_next_timer());
    } catch (const zmq::error_t& error) {
        KILTER_CHECK(error.num() == EINTR,
                     "polling a socket or descriptor that is closed: unwatch it first");
        return;
    }
    if (const int taken = items[0].revents != 0 ? signals.take() : 0; taken != 0) {
        signal = taken;
        stopping = true;
    }
    for (std::size_t i = 1; i < items.size(); ++i) {
        if (items[i].revents == 0) continue;
        const auto watch = watches.find(ids[i]);
        if (watch == watches.end()) continue;                 // unwatched by a callback before it
        const Callback callback = watch->second.on_readable;  // it may unwatch itself
        callback();
    }
}

void Loop::State::fire_timers() {
    // Only what is due now: a timer that arms itself with no delay must not keep the loop from its sockets.
    const Due horizon{monotonic_us(), timers_made};
    while (!timers.empty() && timers.begin()->first <= horizon) {
        auto timer = timers.extract(timers.begin());
        due_of.erase(timer.key().second);
        timer.mapped()();
    }
}

Loop::Loop() : state_(std::make_unique<State>()) {}

Loop::~Loop() = default;

void Loop::watch(zmq::socket_ref socket, Callback on_readable) {
    state_->add({socket.handle(), 0, ZMQ_POLLIN, 0}, std::move(on_readable));
}

void Loop::watch(int descriptor, Callback on_readable) {
    state_->add({nullptr, descriptor, ZMQ_POLLIN, 0}, std::move(on_readable));
}

void Loop::unwatch(zmq::socket_ref socket) {
    state_->remove(socket.handle(), 0);
}

void Loop::unwatch(int descriptor) {
    state_->remove(nullptr, descriptor);
}

TimerId Loop::arm(std::int64_t delay_ms, Callback callback) {
    KILTER_CHECK(delay_ms >= 0, "a timer cannot be due in the past");
    const std::uint64_t id = ++state_->timers_made;
    const Microseconds due = monotonic_us() + 1'000 * delay_ms;
    state_->timers.emplace(State::Due{due, id}, std::move(callback));
    state_->due_of.emplace(id, due);
    return {id};
}

void Loop::cancel(TimerId timer) {
    const auto found = state_->due_of.find(timer.value);
    if (found == state_->due_of.end()) return;
    state_->timers.erase({found->second, found->first});
    state_->due_of.erase(found);
}

void Loop::after_turn(Callback callback) {
    state_->after_turn.push_back(std::move(callback));
}

void Loop::stop() {
    state_->stopping = true;
}

int Loop::run() {
    do {
        state_->turn();
    } while (!state_->stopping);
    state_->stopping = false;
    return std::exchange(state_->signal, 0);
}

}  // namespace kilter::runtime
