#include "common/runtime/files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace kilter::runtime {

Result<void> replace_file(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::path beside = path;
    beside += ".new";
    {
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out.write(content.data(), static_cast<std::streamsize>(content.size()));
        out.close();
        if (!out) return Error{"cannot write " + beside.string() + ": " + std::strerror(errno)};
    }
    std::error_code error;
    std::filesystem::rename(beside, path, error);
    if (error)
        return Error{"cannot rename " + beside.string() + " to " + path.string() + ": " +
                     error.message()};
    return {};
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
