#include "tests/integration/program.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.hpp"

namespace kilter::tests {

ProgramRun run_program(const std::string& program, const std::vector<std::string>& arguments) {
    const TemporaryFolder folder;
    const std::string path = std::string(KILTER_BINARY_DIR) + "/" + program;
    const std::string out = folder / "out";
    const std::string err = folder / "err";
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);

    const pid_t child = ::fork();
    KILTER_CHECK(child >= 0, "fork failed");
    if (child == 0) {
        constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
        ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
        ::dup2(::open(out.c_str(), flags, 0600), STDOUT_FILENO);
        ::dup2(::open(err.c_str(), flags, 0600), STDERR_FILENO);
        ::execv(path.c_str(), argv.data());
        ::_exit(126);
    }
    int status = 0;
    KILTER_CHECK(::waitpid(child, &status, 0) == child, "the program was lost");
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    KILTER_CHECK(code != 126, "the program could not be started; is it built?");
    return {code, read_file(out), read_file(err)};
}

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "kilter-test-XXXXXX").string();
    KILTER_CHECK(::mkdtemp(name.data()), "no temporary folder");
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, const std::string& content) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content << std::flush;
    KILTER_CHECK(file.good(), "cannot write a test's file");
}

bool says(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

}  // namespace kilter::tests
