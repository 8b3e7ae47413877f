#include "coordinator/cli/entry_file.hpp"

#include "common/runtime/files.hpp"
#include "common/topology/files.hpp"

namespace kilter::cli {

Result<void> write_entry(const std::filesystem::path& file, const consensus::SealedEntry& entry) {
    return runtime::replace_file(
        file, {reinterpret_cast<const char*>(entry.encoded.data()), entry.encoded.size()});
}

Result<consensus::EntryPtr> read_entry(const std::filesystem::path& file) {
    const auto bytes = topology::read_text_file(file);
    if (!bytes) return bytes.error();
    auto entry = consensus::decode_sealed(as_bytes(*bytes));
    if (!entry) return Error{file.string() + ": " + entry.error().message};
    return entry;
}

}  // namespace kilter::cli
