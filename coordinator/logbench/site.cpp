#include "coordinator/logbench/site.hpp"

#include <sstream>

#include "common/runtime/files.hpp"
#include "common/runtime/loop.hpp"
#include "common/storage/key_file.hpp"
#include "common/topology/files.hpp"

namespace kilter::coordinator {

namespace {
std::string endpoint(int port) {
    return "tcp://127.0.0.1:" + std::to_string(port);
}
}  // namespace

Result<Site> make_site(const std::filesystem::path& directory,
                       std::size_t replicas,
                       int first_port,
                       const crypto::Identity& client) {
    Site site;
    site.directory = directory;
    site.learner = endpoint(first_port + static_cast<int>(replicas));
    site.client = endpoint(first_port + static_cast<int>(replicas) + 1);
    settlement::Genesis& genesis = site.genesis;
    genesis.time_ms = runtime::now_ms();
    genesis.operator_key = client.public_key();
    for (std::size_t i = 0; i <= replicas; ++i) {
        const auto identity = crypto::Identity::generate();
        if (auto made = runtime::make_private_directory(site.replica(i)); !made)
            return made.error();
        if (auto written = storage::write_key_file(site.replica(i) / "key", identity); !written)
            return written.error();
        if (i < replicas)
            genesis.validators.validators.push_back(
                {identity.public_key(), endpoint(first_port + static_cast<int>(i))});
        else
            site.learner_key = identity.public_key();
    }
    genesis.extension = to_bytes(
        as_bytes(site.learner + "\n" + site.client + "\n" + to_hex(site.learner_key.view())));
    if (auto valid = genesis.validate(); !valid) return valid.error();
    const Bytes document = genesis.encode();
    const std::string_view text(reinterpret_cast<const char*>(document.data()), document.size());
    if (auto written = runtime::replace_file(directory / "genesis.bin", text); !written)
        return written.error();
    return site;
}

Result<Site> load_site(const std::filesystem::path& directory) {
    auto text = topology::read_text_file(directory / "genesis.bin");
    if (!text) return text.error();
    auto genesis = settlement::Genesis::decode(as_bytes(*text));
    if (!genesis) return genesis.error();
    std::istringstream lines({genesis->extension.begin(), genesis->extension.end()});
    Site site;
    std::string key;
    if (!std::getline(lines, site.learner) || !std::getline(lines, site.client) ||
        !std::getline(lines, key))
        return Error{directory.string() + " was not made by kilter bench log"};
    const auto learner_key = fixed_from_hex<crypto::PublicKey>(key);
    if (!learner_key) return Error{directory.string() + " was not made by kilter bench log"};
    site.directory = directory;
    site.genesis = *std::move(genesis);
    site.learner_key = *learner_key;
    return site;
}

}  // namespace kilter::coordinator
