#include "common/storage/durable_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "common/storage/database.hpp"

namespace kilter::storage {

namespace {
constexpr int digits = 12;

[[noreturn]] void die_of(const std::filesystem::path& file, const char* what) {
    die(file, std::string(what) + ": " + std::strerror(errno));
}

void synchronise_directory(const std::filesystem::path& directory) {
    const int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0 || ::fsync(handle) != 0) die_of(directory, "cannot synchronise");
    ::close(handle);
}
}  // namespace

void write_durably(const std::filesystem::path& file, ByteView bytes) {
    const std::filesystem::path directory = file.parent_path();
    std::error_code error;
    if (std::filesystem::create_directories(directory, error))
        synchronise_directory(directory.parent_path());
    if (error) die(directory, "cannot be created: " + error.message());
    const std::filesystem::path beside = file.string() + ".new";
    const int handle = ::open(beside.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (handle < 0) die_of(beside, "cannot be created");
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t wrote = ::write(handle, bytes.data() + done, bytes.size() - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) die_of(beside, "write failed");
        done += static_cast<std::size_t>(wrote);
    }
    if (::fsync(handle) != 0) die_of(beside, "fsync failed");
    if (::close(handle) != 0) die_of(beside, "close failed");
    if (::rename(beside.c_str(), file.c_str()) != 0) die_of(file, "rename failed");
    synchronise_directory(directory);
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
    const int handle = ::open(from.c_str(), O_RDWR | O_CLOEXEC);
    if (handle < 0) die_of(from, "cannot be opened");
    if (::fchmod(handle, 0600) != 0) die_of(from, "chmod failed");
    if (::fsync(handle) != 0) die_of(from, "fsync failed");
    ::close(handle);
    if (::rename(from.c_str(), to.c_str()) != 0) die_of(to, "rename failed");
    synchronise_directory(to.parent_path());
}

Result<Bytes> read_whole(const std::filesystem::path& file, std::uintmax_t bytes_max) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error) return Error{file.string() + " cannot be read: " + error.message()};
    if (size > bytes_max) return Error{file.string() + " is larger than any such file can be"};
    std::ifstream in(file, std::ios::binary);
    Bytes bytes(size);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (!in) return Error{file.string() + " cannot be read"};
    return bytes;
}

Bytes read_head(const std::filesystem::path& file, std::size_t bytes_max) {
    std::ifstream in(file, std::ios::binary);
    Bytes bytes(bytes_max);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes_max));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return bytes;
}

std::filesystem::path file_of_height(const std::filesystem::path& directory,
                                     consensus::Height height,
                                     const char* suffix) {
    std::string name = std::to_string(height);
    name.insert(0, digits - std::min<std::size_t>(digits, name.size()), '0');
    return directory / (name + suffix);
}

std::vector<consensus::Height> heights_in(const std::filesystem::path& directory,
                                          const char* suffix) {
    std::vector<consensus::Height> heights;
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(directory, error)) {
        const std::string stem = file.path().stem().string();
        consensus::Height height = 0;
        const auto parsed = std::from_chars(stem.data(), stem.data() + stem.size(), height);
        if (file.path().extension() == suffix && parsed.ptr == stem.data() + stem.size())
            heights.push_back(height);
    }
    std::sort(heights.begin(), heights.end());
    return heights;
}

}  // namespace kilter::storage
