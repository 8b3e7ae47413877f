/// Runs one of the programs just built, to its end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kilter::tests {

struct ProgramRun {
    int exit_code = -1;  ///< 128 + signal if one ended it
    std::string out;
    std::string err;
};

/// `program` is a name in the build's bin directory. REQUIRES: it can be started.
ProgramRun run_program(const std::string& program, const std::vector<std::string>& arguments);

/// A fresh directory, removed with everything in it.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);

/// Whether `what` stands in a text.
bool says(const std::string& text, const std::string& what);

}  // namespace kilter::tests
