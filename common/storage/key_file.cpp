#include "common/storage/key_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

namespace kilter::storage {

namespace {
constexpr std::size_t file_bytes = 2 * crypto::Seed::size + 1;

/// An open file, closed at the end of its scope.
struct Descriptor {
    int value;

    explicit Descriptor(int opened) : value(opened) {}

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    ~Descriptor() {
        if (value >= 0) ::close(value);
    }
};

Error because(const std::filesystem::path& file, const std::string& what) {
    return Error{"key file " + file.string() + ": " + what + ": " + std::strerror(errno)};
}
}  // namespace

Result<void> write_key_file(const std::filesystem::path& file, const crypto::Identity& identity) {
    const Descriptor out{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (out.value < 0)
        return errno == EEXIST
                   ? Error{"key file " + file.string() +
                           " exists already; it is never overwritten, move it away first"}
                   : because(file, "cannot create");
    crypto::Seed seed = identity.seed();
    std::string text = to_hex(seed.view()) + "\n";
    const bool written = ::fchmod(out.value, 0600) == 0 &&
                         ::write(out.value, text.data(), text.size()) == std::ssize(text) &&
                         ::fsync(out.value) == 0;
    sodium_memzero(seed.bytes.data(), seed.bytes.size());
    sodium_memzero(text.data(), text.size());
    if (!written) return because(file, "cannot write");
    const std::filesystem::path parent = file.has_parent_path() ? file.parent_path() : ".";
    const Descriptor directory{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.value < 0 || ::fsync(directory.value) != 0)
        return because(file, "cannot make its directory durable");
    return {};
}

Result<crypto::Identity> read_key_file(const std::filesystem::path& file) {
    const std::string name = "key file " + file.string();
    const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (in.value < 0) return because(file, "cannot open");

    struct stat status {};

    if (::fstat(in.value, &status) != 0) return because(file, "cannot examine");
    if (!S_ISREG(status.st_mode)) return Error{name + " is not a regular file"};
    if (status.st_uid != ::geteuid())
        return Error{name +
                     " belongs to another user; chown it to the user that runs this program"};
    if ((status.st_mode & 0777) != 0600 && (status.st_mode & 0777) != 0400)
        return Error{name +
                     " can be read by others; run chmod 600 on it, or make a new key if it may "
                     "have been read"};
    if (status.st_size != static_cast<off_t>(file_bytes))
        return Error{name + " has " + std::to_string(status.st_size) + " bytes; a key file has " +
                     std::to_string(file_bytes)};
    std::string text(file_bytes, '\0');
    if (::read(in.value, text.data(), text.size()) != std::ssize(text))
        return because(file, "cannot read");
    Result<crypto::Seed> seed =
        fixed_from_hex<crypto::Seed>(std::string_view{text}.substr(0, 2 * crypto::Seed::size));
    const bool complete = text.back() == '\n';
    sodium_memzero(text.data(), text.size());
    if (!seed || !complete)
        return Error{name + " does not hold " + std::to_string(2 * crypto::Seed::size) +
                     " hexadecimal digits and a newline"};
    crypto::Identity identity = crypto::Identity::from_seed(*seed);
    sodium_memzero((*seed).bytes.data(), crypto::Seed::size);
    return identity;
}

Result<crypto::Identity> read_or_make_key_file(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored))
        if (auto written = write_key_file(file, crypto::Identity::generate()); !written)
            return written.error();
    return read_key_file(file);
}

}  // namespace kilter::storage
