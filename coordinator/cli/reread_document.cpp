#include "coordinator/cli/reread_document.hpp"

#include <algorithm>

#include "common/runtime/files.hpp"
#include "common/topology/files.hpp"

namespace kilter::cli {

namespace {
constexpr std::string_view reread_title = "kilter corrected reads 1";
}  // namespace

Result<void> write_reread(const std::filesystem::path& file, const RereadDocument& document) {
    const Bytes bytes = ByteWriter{}
                            .text(reread_title)
                            .raw(document.replaces.view())
                            .raw(settlement::encode(document.reads))
                            .bytes();
    return runtime::replace_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<RereadDocument> read_reread(const std::filesystem::path& file) {
    const auto text = topology::read_text_file(file);
    if (!text) return text.error();
    ByteReader in(as_bytes(*text));
    const ByteView title = in.raw(reread_title.size());
    if (!std::equal(title.begin(), title.end(), as_bytes(reread_title).begin(),
                    as_bytes(reread_title).end()))
        return Error{file.string() + " is not what 'kilter reread --document' writes"};
    RereadDocument out;
    out.replaces = in.fixed<consensus::EntryId>();
    auto reads = settlement::decode_corrected_reads(in.raw(in.left()));
    if (!reads) return Error{file.string() + ": " + reads.error().message};
    out.reads = *std::move(reads);
    return out;
}

}  // namespace kilter::cli
