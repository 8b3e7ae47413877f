#include "common/topology/files.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

#include "common/base/limits.hpp"

namespace kilter::topology {

Result<std::string> read_text_file(const std::filesystem::path& path) {
    std::error_code failure;
    const auto status = std::filesystem::status(path, failure);
    if (status.type() == std::filesystem::file_type::not_found)
        return Error{path.string() + ": there is no such file"};
    if (failure) return Error{path.string() + ": " + failure.message()};
    if (status.type() == std::filesystem::file_type::directory)
        return Error{path.string() + ": is a folder; name the file in it"};
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{path.string() + ": " + std::strerror(errno)};
    // Piece by piece: the limit is many times what most files have, and a daemon keeps what it once touched.
    std::string text;
    std::array<char, 65'536> piece{};
    while (text.size() <= limits::config_file_bytes_max && in) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) return Error{path.string() + ": reading failed: " + std::strerror(errno)};
    if (text.size() > limits::config_file_bytes_max)
        return Error{path.string() + ": larger than " +
                     std::to_string(limits::config_file_bytes_max >> 20) +
                     " MiB; is this the right file?"};
    return text;
}

std::optional<std::filesystem::path> data_folder() {
    std::error_code failure;
    const char* named = std::getenv("KILTER_DATA");
    const std::filesystem::path folder = named && *named ? named : KILTER_DATA;
    if (!std::filesystem::is_directory(folder, failure)) return std::nullopt;
    return folder;
}

}  // namespace kilter::topology
