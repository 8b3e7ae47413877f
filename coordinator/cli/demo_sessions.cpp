#include "coordinator/cli/demo_sessions.hpp"

#include "coordinator/cli/demo_files.hpp"

namespace kilter::cli {

void DemoSessions::look() {
    std::error_code error;
    for (const auto& directory : coordinators_)
        for (const auto& file :
             std::filesystem::directory_iterator(directory / "state" / "reports", error)) {
            if (file.path().extension() != ".json" || read_.contains(file.path())) continue;
            auto report = read_json(file.path());
            if (!report) continue;
            read_.insert(file.path());
            if ((*report)["outcome"] == "abandoned") {
                ++abandoned_;
                continue;
            }
            const auto interval = (*report)["interval"].get<IntervalIndex>();
            cleared_.insert_or_assign(interval, std::move(*report));
        }
}

}  // namespace kilter::cli
