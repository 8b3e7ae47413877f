#include "common/runtime/owner.hpp"

#include <cerrno>
#include <cstring>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kilter::runtime {

Result<void> continue_as_owner_of(const std::filesystem::path& directory) {
    struct stat found {};

    if (::geteuid() != 0 || ::stat(directory.c_str(), &found) != 0 || found.st_uid == 0) return {};
    if (::setgroups(1, &found.st_gid) != 0 || ::setgid(found.st_gid) != 0 ||
        ::setuid(found.st_uid) != 0)
        return Error{"cannot become the owner of " + directory.string() + ": " +
                     std::strerror(errno) + "; run this command as that user"};
    return {};
}

}  // namespace kilter::runtime
