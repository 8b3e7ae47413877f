#include "coordinator/host/spool.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "common/settlement/entries.hpp"
#include "common/topology/files.hpp"

namespace kilter::coordinator {

std::vector<std::filesystem::path> Spool::files(const char* extension) const {
    std::vector<std::filesystem::path> out;
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(folder_, error))
        if (file.path().extension() == extension) out.push_back(file.path());
    return out;
}

std::vector<consensus::EntryPtr> Spool::entries(const IsFinal& is_final) {
    std::vector<consensus::EntryPtr> out;
    for (const auto& file : files(".entry")) {
        auto text = topology::read_text_file(file);
        if (!text) continue;
        auto entry = consensus::decode_sealed(as_bytes(*text));
        if (!entry) {
            refuse(file, entry.error().message);
        } else if (is_final((*entry)->id)) {
            std::error_code error;
            std::filesystem::remove(file, error);
        } else {
            submitted_[(*entry)->id] = {file,
                                        (*entry)->entry.type == settlement::roster_change_entry};
            out.push_back(std::move(*entry));
        }
    }
    return out;
}

std::vector<Spool::Epochs> Spool::epochs() const {
    std::vector<Epochs> out;
    for (const auto& file : files(".epochs")) {
        auto text = topology::read_text_file(file);
        if (!text) continue;
        auto epochs = consensus::decode_epochs_file(as_bytes(*text));
        if (!epochs)
            refuse(file, epochs.error().message);
        else if (epochs->chain != chain_)
            refuse(file, "it is of another log");
        else
            out.push_back({file, std::move(epochs->proofs)});
    }
    return out;
}

void Spool::on_answer(const consensus::SubmissionAnswer& answer) {
    const auto submitted = submitted_.find(answer.id);
    if (submitted == submitted_.end()) return;
    if (answer.status == consensus::SubmissionStatus::refused)
        refuse(submitted->second.file, answer.reason);
    submitted_.erase(submitted);
}

bool Spool::has_roster_change() const {
    return std::any_of(submitted_.begin(), submitted_.end(),
                       [](const auto& one) { return one.second.roster; });
}

void Spool::refuse(const std::filesystem::path& file, const std::string& why) {
    spdlog::error("{}: {}; renamed to .refused", file.string(), why);
    std::error_code error;
    auto aside = file;
    std::filesystem::rename(file, aside.replace_extension(".refused"), error);
}

}  // namespace kilter::coordinator
