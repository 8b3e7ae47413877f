#include "common/runtime/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace kilter::runtime {

namespace {

Result<void> synchronise(const std::filesystem::path& path) {
    const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = handle >= 0 && ::fsync(handle) == 0;
    const int reason = errno;
    if (handle >= 0) ::close(handle);
    if (done) return {};
    return Error{"cannot make " + path.string() + " durable: " + std::strerror(reason)};
}

Result<void> replace(const std::filesystem::path& path, std::string_view content, bool durably) {
    std::filesystem::path beside = path;
    beside += ".new";
    {
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out.write(content.data(), static_cast<std::streamsize>(content.size()));
        out.close();
        if (!out) return Error{"cannot write " + beside.string() + ": " + std::strerror(errno)};
    }
    if (durably)
        if (auto done = synchronise(beside); !done) return done;
    std::error_code error;
    std::filesystem::rename(beside, path, error);
    if (error)
        return Error{"cannot rename " + beside.string() + " to " + path.string() + ": " +
                     error.message()};
    if (!durably) return {};
    return synchronise(path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace

Result<void> replace_file(const std::filesystem::path& path, std::string_view content) {
    return replace(path, content, false);
}

Result<void> replace_file_durably(const std::filesystem::path& path, std::string_view content) {
    return replace(path, content, true);
}

Result<void> make_private_directory(const std::filesystem::path& path) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path, error);
    if (error)
        return Error{"cannot create the directory " + path.string() + ": " + error.message()};
    if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
    if (error)
        return Error{"cannot restrict the directory " + path.string() +
                     " to its owner: " + error.message()};
    return {};
}

}  // namespace kilter::runtime
