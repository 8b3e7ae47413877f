// Loaded into a real program (LD_PRELOAD), ends it with SIGKILL at its n-th durable operation: a write to, a
// synchronisation, truncation, renaming or removal of a file in its state directory. A write is half done before the end.
// And keeps what the program has given to its sockets, in the clear, over all its lives.
//
//   KILTER_CRASH_AT    which operation, from 1; without it none
//   KILTER_CRASH_SENT  appended to: u32 length and the bytes of every message
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <climits>

namespace {

template <class Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

// What may be lost is not counted: status.json tells people, the log tells them as well.
bool is_state(const char* path) {
    return std::strstr(path, "/state/") != nullptr && std::strstr(path, "status.json") == nullptr;
}

bool is_state(int file) {
    char link[32];
    char path[PATH_MAX];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t size = ::readlink(link, path, sizeof path - 1);
    if (size <= 0) return false;
    path[size] = 0;
    return is_state(path);
}

std::atomic<long> operations{0};

// Whether this is the last one.
bool ends_here() {
    static const long at = [] {
        const char* text = std::getenv("KILTER_CRASH_AT");
        return text == nullptr ? 0L : std::strtol(text, nullptr, 10);
    }();
    return ++operations == at;
}

[[noreturn]] void end() {
    for (;;)
        ::kill(::getpid(), SIGKILL);
}

void keep(const void* bytes, std::size_t size) {
    static const int file = [] {
        const char* path = std::getenv("KILTER_CRASH_SENT");
        return path == nullptr ? -1 : ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }();
    if (file < 0) return;
    auto length = static_cast<std::uint32_t>(size);
    const iovec parts[] = {{&length, sizeof length}, {const_cast<void*>(bytes), size}};
    (void)!::writev(file, parts, 2);
}

}  // namespace

extern "C" {

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
    static const auto next = real<decltype(&::pwrite64)>("pwrite64");
    if (is_state(file) && ends_here()) {
        next(file, bytes, size / 2, at);
        end();
    }
    return next(file, bytes, size, at);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
    return pwrite64(file, bytes, size, at);
}

ssize_t write(int file, const void* bytes, size_t size) {
    static const auto next = real<decltype(&::write)>("write");
    if (is_state(file) && ends_here()) {
        next(file, bytes, size / 2);
        end();
    }
    return next(file, bytes, size);
}

int fsync(int file) {
    static const auto next = real<decltype(&::fsync)>("fsync");
    if (is_state(file) && ends_here()) end();
    return next(file);
}

int fdatasync(int file) {
    static const auto next = real<decltype(&::fdatasync)>("fdatasync");
    if (is_state(file) && ends_here()) end();
    return next(file);
}

int ftruncate64(int file, off64_t size) {
    static const auto next = real<decltype(&::ftruncate64)>("ftruncate64");
    if (is_state(file) && ends_here()) end();
    return next(file, size);
}

int ftruncate(int file, off_t size) {
    return ftruncate64(file, size);
}

int rename(const char* from, const char* to) {
    static const auto next = real<decltype(&::rename)>("rename");
    if (is_state(to) && ends_here()) end();
    return next(from, to);
}

int unlink(const char* path) {
    static const auto next = real<decltype(&::unlink)>("unlink");
    if (is_state(path) && ends_here()) end();
    return next(path);
}

int zmq_send(void* socket, const void* bytes, size_t size, int flags) {
    static const auto next = real<int (*)(void*, const void*, size_t, int)>("zmq_send");
    const int sent = next(socket, bytes, size, flags);
    if (sent >= 0) keep(bytes, size);
    return sent;
}
}
