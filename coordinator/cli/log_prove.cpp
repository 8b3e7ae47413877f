#include "coordinator/cli/log_prove.hpp"

#include <iostream>
#include <memory>

#include "common/base/limits.hpp"
#include "common/cli/command_line.hpp"
#include "common/storage/archive.hpp"
#include "common/storage/durable_file.hpp"
#include "coordinator/cli/log_entries.hpp"

namespace kilter::cli {
namespace {

constexpr const char* prove_name = "kilter log prove";
constexpr const char* check_name = "kilter log verify";
constexpr std::string_view receipt_magic = "kilter receipt 1\n";
constexpr std::string_view consistency_magic = "kilter consistency 1\n";
constexpr std::uintmax_t proof_bytes_max = 16u << 20;

Bytes with_magic(std::string_view magic, ByteView content) {
    return ByteWriter{}.text(magic).raw(content).bytes();
}

std::optional<ByteView> after_magic(std::string_view magic, const Bytes& bytes) {
    if (bytes.size() < magic.size() ||
        !std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }))
        return std::nullopt;
    return ByteView{bytes}.subspan(magic.size());
}

Result<std::string> check_receipt(ByteView bytes, const settlement::Genesis& genesis) {
    const auto receipt = consensus::decode_receipt(bytes);
    if (!receipt) return receipt.error();
    const auto verdict = consensus::verify(*receipt, genesis.chain_id(), genesis.validators);
    if (verdict != consensus::ReceiptVerdict::valid) return Error{consensus::describe(verdict)};
    return "entry " + std::to_string(receipt->index) +
           " is on the log for good: " + entry_text(receipt->entry, interval_seconds(genesis));
}

Result<std::string> check_consistency(ByteView bytes, const settlement::Genesis& genesis) {
    const auto proof = consensus::decode_consistency_proof(bytes);
    if (!proof) return proof.error();
    switch (consensus::verify(*proof, genesis.chain_id(), genesis.validators)) {
        case consensus::ConsistencyVerdict::consistent:
            break;
        case consensus::ConsistencyVerdict::wrong_chain:
            return Error{"the proof is of another log"};
        case consensus::ConsistencyVerdict::not_certified:
            return Error{"no quorum of coordinators certified one of the two blocks"};
        case consensus::ConsistencyVerdict::not_consistent:
            return Error{"the newer log does not extend the older one"};
    }
    return "the log at height " + std::to_string(proof->newer.header.height) +
           " extends the log at height " + std::to_string(proof->older.header.height);
}

}  // namespace

Result<Proof> read_proof(const std::filesystem::path& file) {
    const auto bytes = storage::read_whole(file, proof_bytes_max);
    if (!bytes) return bytes.error();
    if (const auto content = after_magic(receipt_magic, *bytes)) {
        auto receipt = consensus::decode_receipt(*content);
        if (!receipt) return Error{file.string() + ": " + receipt.error().message};
        return Proof(*std::move(receipt));
    }
    if (const auto content = after_magic(consistency_magic, *bytes)) {
        auto proof = consensus::decode_consistency_proof(*content);
        if (!proof) return Error{file.string() + ": " + proof.error().message};
        return Proof(*std::move(proof));
    }
    return Error{file.string() +
                 " is neither a receipt nor a consistency proof: 'kilter log prove' "
                 "writes them"};
}

bool is_proof(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) return false;
    const auto head = storage::read_head(file, consistency_magic.size());
    return after_magic(receipt_magic, head) || after_magic(consistency_magic, head) ||
           after_magic(storage::archive_magic, head);
}

int LogProve::run() const {
    const auto opened = storage::LogStore::open_read_only(store_file(store));
    if (!opened) return fail(prove_name, opened.error());
    Bytes proof;
    if (!consistent.empty()) {
        const auto made = opened->consistency(consistent[0], consistent[1]);
        if (!made)
            return fail(prove_name,
                        Error{"the store does not hold all blocks up to that height, or the first "
                              "height is not below the second; it has 1 to " +
                              std::to_string(opened->height())});
        proof = with_magic(consistency_magic, consensus::encode(*made));
    } else {
        std::optional<consensus::Receipt> receipt;
        if (!id.empty()) {
            const auto parsed = fixed_from_hex<consensus::EntryId>(id);
            if (!parsed) return fail(prove_name, Error{"--id: " + parsed.error().message});
            receipt = opened->receipt(*parsed);
        } else {
            receipt = opened->receipt_for_key(as_bytes(key));
        }
        if (!receipt)
            return fail(prove_name, Error{"no such entry is final in this store; 'kilter log show' "
                                          "lists them"});
        proof = with_magic(receipt_magic, consensus::encode(*receipt));
    }
    storage::write_durably(std::filesystem::absolute(out), proof);
    std::cout << out.string() << "  " << proof.size() << " bytes\n";
    return to_int(ExitCode::success);
}

int LogCheck::run() const {
    if (genesis.empty())
        return fail(check_name, Error{"a proof is checked against the genesis document: name it "
                                      "with --genesis"});
    const auto document = storage::read_whole(genesis, limits::genesis_bytes_max);
    if (!document) return fail(check_name, document.error());
    const auto known = settlement::Genesis::decode(*document);
    if (!known) return fail(check_name, known.error());
    const auto bytes = storage::read_whole(proof, proof_bytes_max);
    if (!bytes) return fail(check_name, bytes.error());
    Result<std::string> verdict =
        Error{proof.string() + " is neither a receipt, a consistency proof nor an archive"};
    if (const auto receipt = after_magic(receipt_magic, *bytes)) {
        verdict = check_receipt(*receipt, *known);
    } else if (const auto consistency = after_magic(consistency_magic, *bytes)) {
        verdict = check_consistency(*consistency, *known);
    } else if (const auto archive = storage::read_archive(proof)) {
        const auto sound = storage::verify(*archive, known->chain_id(), known->validators);
        if (sound)
            verdict = "the archive's " + std::to_string(archive->blocks.size()) +
                      " blocks are final and complete";
        else
            verdict = sound.error();
    }
    if (!verdict) return fail(check_name, verdict.error(), ExitCode::not_verified);
    std::cout << "verified: " << *verdict << '\n';
    return to_int(ExitCode::success);
}

void add_log_prove(CLI::App& log, int& exit_code) {
    const auto options = std::make_shared<LogProve>();
    CLI::App* command =
        log.add_subcommand("prove", "Write a proof that needs no log to be checked");
    command->add_option("PATH", options->store, "A store, or a coordinator's state directory")
        ->required();
    command->add_option("--out", options->out, "Where the proof goes")->required();
    auto* what = command->add_option_group("what");
    what->add_option("--id", options->id, "An entry, by its id in hexadecimal");
    what->add_option("--key", options->key, "An entry, by its semantic key, e.g. 'cleared|96|3'");
    what->add_option("--consistent", options->consistent, "Two heights: the log was only extended")
        ->expected(2);
    what->require_option(1);
    command->footer(
        "Example:\n  kilter log prove coordinator-0 --key 'roster|1' --out roster.receipt\n"
        "'kilter log verify --genesis genesis.bin roster.receipt' checks it.");
    command->callback([options, &exit_code] { exit_code = options->run(); });
}

}  // namespace kilter::cli
