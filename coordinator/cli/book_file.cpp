#include "coordinator/cli/book_file.hpp"

#include "common/topology/files.hpp"

namespace kilter::cli {

namespace {

using Json = nlohmann::ordered_json;

// nlohmann reports a missing or wrong member by an exception; here it becomes an error.
template <class Read>
auto reading(const std::filesystem::path& file, const Read& read) -> decltype(read()) {
    try {
        return read();
    } catch (const Json::exception& error) {
        return Error{file.string() + ": " + error.what()};
    }
}

Result<std::vector<products::Fact>> facts_of(const Json& list) {
    std::vector<products::Fact> out;
    for (const Json& one : list) {
        const auto kind = products::fact_kind_named(one.at(0).get<std::string>());
        if (!kind) return kind.error();
        out.push_back({*kind, one.at(1).get<std::string>(), one.at(2).get<std::int64_t>(),
                       one.at(3).get<std::int64_t>()});
    }
    return out;
}

products::Contracts contracts_of(const Json& from) {
    products::Contracts out;
    out.nets = from.at("nets").get<std::size_t>();
    out.root = from.value("root", std::size_t{0});
    for (const Json& line : from.at("lines"))
        out.lines.emplace_back(line.at(0).get<std::size_t>(), line.at(1).get<std::size_t>());
    for (const Json& home : from.at("homes"))
        out.homes.push_back(
            {home.at("account").get<std::string>(), home.at("net").get<std::size_t>(),
             home.value("shares", false), home.value("coefficient_ppm", std::int64_t{0}),
             home.value("prepaid", false), home.value("gram_co2_per_kwh", std::int64_t{0}),
             home.value("guest", std::string())});
    return out;
}

}  // namespace

Result<nlohmann::ordered_json> json_in_file(const std::filesystem::path& file) {
    const auto text = topology::read_text_file(file);
    if (!text) return text.error();
    Json out = Json::parse(*text, nullptr, false);
    if (out.is_discarded()) return Error{file.string() + " is not JSON"};
    return out;
}

Result<products::Books> load_books(const std::filesystem::path& file) {
    const auto content = json_in_file(file);
    if (!content) return content.error();
    return reading(file, [&]() -> Result<products::Books> {
        products::Books out(contracts_of(content->at("contracts")));
        const auto facts = facts_of(content->at("facts"));
        if (!facts) return Error{file.string() + ": " + facts.error().message};
        if (auto learnt = out.learn(*facts); !learnt) return learnt.error();
        for (const Json& period : content->at("settled"))
            if (auto settled =
                    out.settle(period.at(0).get<std::int64_t>(), period.at(1).get<std::int64_t>());
                !settled)
                return Error{file.string() + ": " + settled.error().message};
        return out;
    });
}

Result<settlement::Correction> load_correction(const std::filesystem::path& file) {
    const auto content = json_in_file(file);
    if (!content) return content.error();
    return reading(file, [&]() -> Result<settlement::Correction> {
        settlement::Correction out;
        const auto kind = settlement::correction_kind_named(content->at("kind").get<std::string>());
        if (!kind) return Error{file.string() + ": " + kind.error().message};
        out.subject = *kind;
        const auto replaces =
            fixed_from_hex<crypto::Digest>(content->at("replaces").get<std::string>());
        if (!replaces) return Error{file.string() + ": replaces: " + replaces.error().message};
        out.replaces = *replaces;
        auto facts = facts_of(content->at("facts"));
        if (!facts) return Error{file.string() + ": " + facts.error().message};
        out.facts = *std::move(facts);
        if (out.facts.empty()) return Error{file.string() + ": there is nothing to correct in it"};
        return out;
    });
}

}  // namespace kilter::cli
