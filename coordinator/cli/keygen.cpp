#include "coordinator/cli/keygen.hpp"

#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/cli/command_line.hpp"
#include "common/storage/key_file.hpp"

namespace kilter::cli {

int Keygen::run() const {
    const crypto::Identity identity = crypto::Identity::generate();
    if (const auto written = storage::write_key_file(out, identity); !written)
        return fail("kilter keygen", written.error());

    const std::string public_key = to_hex(identity.public_key().view());
    const std::string fingerprint = short_hex(identity.public_key().view());
    if (json) {
        std::cout << nlohmann::ordered_json{{"file", out.string()},
                                            {"public_key", public_key},
                                            {"fingerprint", fingerprint}}
                         .dump(2)
                  << '\n';
    } else {
        std::cout << "public key   " << public_key << "\nfingerprint  " << fingerprint
                  << "\nThe secret key is in " << out.string()
                  << "; keep it there, and give the public key to the operator.\n";
    }
    return to_int(ExitCode::success);
}

void add_keygen(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<Keygen>();
    CLI::App* command = app.add_subcommand("keygen", "Make a new identity and write its key file");
    command
        ->add_option("--out", options->out,
                     "Key file to create; an existing file is never overwritten")
        ->required();
    command->add_flag("--json", options->json, "Print JSON");
    command->footer("Example:\n  kilter keygen --out agent.key");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
