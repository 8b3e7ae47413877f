#include "common/market/parameters_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <variant>

namespace kilter::market {

namespace {

using Field = std::variant<std::uint32_t Parameters::*,
                           double Parameters::*,
                           bool Parameters::*,
                           Balance Parameters::*,
                           Method Parameters::*>;

struct Named {
    const char* name;
    Field field;
};

const Named fields_by_name[] = {
    {"interval_s", &Parameters::interval_s},
    {"horizon", &Parameters::horizon},
    {"channels", &Parameters::channels},
    {"rho_eur_per_kw2", &Parameters::rho_eur_per_kw2},
    {"alpha", &Parameters::alpha},
    {"weight_flexible", &Parameters::weight_flexible},
    {"weight_curtailing", &Parameters::weight_curtailing},
    {"weight_stiff", &Parameters::weight_stiff},
    {"weight_feeder_by_homes", &Parameters::weight_feeder_by_homes},
    {"balance_rho", &Parameters::balance_rho},
    {"method", &Parameters::method},
    {"primal_tolerance_kw", &Parameters::primal_tolerance_kw},
    {"dual_tolerance", &Parameters::dual_tolerance},
    {"price_scale_eur_per_kwh", &Parameters::price_scale_eur_per_kwh},
    {"iterations_max", &Parameters::iterations_max},
    {"silence_ms", &Parameters::silence_ms},
    {"session_ms", &Parameters::session_ms},
    {"privacy_members_min", &Parameters::privacy_members_min},
};

constexpr std::array<const char*, 3> balance_names = {"none", "gross", "stalled"};
constexpr std::array<const char*, 3> method_names = {"proximal", "accelerated", "priced"};

template <class Number>
std::string text_of(Number value) {
    std::array<char, 32> out{};
    const auto end = std::to_chars(out.data(), out.data() + out.size(), value).ptr;
    return {out.data(), end};
}

std::string text_of(bool value) {
    return value ? "true" : "false";
}

std::string text_of(Balance value) {
    return name_of(value);
}

std::string text_of(Method value) {
    return name_of(value);
}

template <class Number>
bool read(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

bool read(std::string_view text, bool& out) {
    out = text == "true";
    return out || text == "false";
}

template <class Enum>
bool read_name(std::string_view text, const std::array<const char*, 3>& names, Enum& out) {
    const auto* const found = std::find(names.begin(), names.end(), text);
    out = static_cast<Enum>(found - names.begin());
    return found != names.end();
}

bool read(std::string_view text, Balance& out) {
    return read_name(text, balance_names, out);
}

bool read(std::string_view text, Method& out) {
    return read_name(text, method_names, out);
}

}  // namespace

const char* name_of(Balance balance) {
    return balance_names[static_cast<std::size_t>(balance)];
}

const char* name_of(Method method) {
    return method_names[static_cast<std::size_t>(method)];
}

std::vector<std::pair<std::string, std::string>> listed(const Parameters& parameters) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const Named& one : fields_by_name)
        std::visit([&](auto field) { out.emplace_back(one.name, text_of(parameters.*field)); },
                   one.field);
    return out;
}

Result<void> set(Parameters& parameters, std::string_view name, std::string_view value) {
    for (const Named& one : fields_by_name) {
        if (name != one.name) continue;
        const bool understood =
            std::visit([&](auto field) { return read(value, parameters.*field); }, one.field);
        if (understood) return {};
        return Error{"market parameter " + std::string(name) + " cannot be \"" +
                     std::string(value) + "\""};
    }
    return Error{"there is no market parameter " + std::string(name) +
                 ": 'kilter rules show' lists them"};
}

}  // namespace kilter::market
