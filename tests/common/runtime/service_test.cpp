#include "common/runtime/service.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace kilter::runtime::service_test {
namespace {

/// A service manager's socket, in the abstract namespace, and the environment that points to it.
class ServiceManager {
  public:
    ServiceManager() {
        const std::string name = "kilter-test-" + std::to_string(getpid());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name.copy(address.sun_path + 1, name.size());
        descriptor_ = socket(AF_UNIX, SOCK_DGRAM, 0);
        const auto length =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        EXPECT_EQ(bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length), 0);
        setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }

    ~ServiceManager() {
        close(descriptor_);
        for (const char* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
            unsetenv(variable);
    }

    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }

    [[nodiscard]] std::string heard() const {
        std::string text(256, '\0');
        const auto size = recv(descriptor_, text.data(), text.size(), MSG_DONTWAIT);
        text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return text;
    }

  private:
    int descriptor_ = -1;
};

TEST(Service, tells_the_service_manager) {
    const ServiceManager manager;
    EXPECT_TRUE(notify_ready());
    EXPECT_EQ(manager.heard(), "READY=1");
    EXPECT_TRUE(notify_stopping());
    EXPECT_EQ(manager.heard(), "STOPPING=1");
}

TEST(Service, without_a_service_manager_nothing_happens) {
    unsetenv("NOTIFY_SOCKET");
    EXPECT_FALSE(notify_ready());
}

TEST(Service, the_watchdog_is_fed_from_the_loop_again_and_again) {
    const ServiceManager manager;
    setenv("WATCHDOG_USEC", "2000", 1);
    Loop loop;
    feed_watchdog(loop);
    int fed = 0;
    loop.watch(manager.descriptor(), [&] {
        EXPECT_EQ(manager.heard(), "WATCHDOG=1");
        if (++fed == 3) loop.stop();
    });
    loop.run();
    EXPECT_EQ(fed, 3);
}

TEST(Service, another_process_watchdog_is_not_fed) {
    const ServiceManager manager;
    setenv("WATCHDOG_USEC", "2000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    Loop loop;
    feed_watchdog(loop);
    loop.arm(10, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(manager.heard(), "");
}

}  // namespace
}  // namespace kilter::runtime::service_test
