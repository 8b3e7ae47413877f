#include "common/market/parameters.hpp"

#include <cmath>
#include <sstream>
#include <string>

#include "common/base/limits.hpp"

namespace kilter::market {

namespace {

constexpr std::uint32_t day_s = 86'400;
/// Of sessions in which the chair sets prices. In the first one, which openings did not name, everybody got the homes'
/// answers; in the second all iterates were judged exactly; in the third no session began anew.
constexpr std::uint8_t priced_form = 4;

Error refused(const char* name, double value, const std::string& allowed) {
    std::ostringstream out;
    out << "market parameter " << name << " = " << value << " is not allowed: it must be "
        << allowed;
    return Error{out.str()};
}

bool positive(double value) {
    return std::isfinite(value) && value > 0;
}

}  // namespace

Parameters Parameters::paper() {
    Parameters out;
    out.alpha = 1;
    out.weight_flexible = out.weight_curtailing = out.weight_stiff = 1;
    out.weight_feeder_by_homes = false;
    out.balance_rho = Balance::none;
    out.method = Method::proximal;
    return out;
}

Result<void> Parameters::validate() const {
    if (interval_s < 60 || interval_s > day_s || day_s % interval_s != 0)
        return refused("interval_s", interval_s, "at least 60 and divide a day (86400)");
    if (horizon < 1 || horizon > limits::horizon_max)
        return refused("horizon", horizon, "from 1 to " + std::to_string(limits::horizon_max));
    if (channels != 1 && channels != 2)
        return refused("channels", channels, "1 (active power) or 2 (reactive power as well)");
    if (quantities() > limits::horizon_max)
        return refused("horizon", horizon,
                       "at most " + std::to_string(limits::horizon_max / channels) + " with " +
                           std::to_string(channels) + " channels");
    if (!(alpha >= 1 && alpha < 2)) return refused("alpha", alpha, "at least 1 and below 2");

    struct Positive {
        const char* name;
        double value;
    };

    for (const auto& [name, value] :
         {Positive{"rho_eur_per_kw2", rho_eur_per_kw2},
          Positive{"weight_flexible", weight_flexible},
          Positive{"weight_curtailing", weight_curtailing}, Positive{"weight_stiff", weight_stiff},
          Positive{"primal_tolerance_kw", primal_tolerance_kw},
          Positive{"dual_tolerance", dual_tolerance},
          Positive{"price_scale_eur_per_kwh", price_scale_eur_per_kwh}})
        if (!positive(value)) return refused(name, value, "finite and above 0");
    if (iterations_max < 1 || iterations_max > limits::iterations_max)
        return refused("iterations_max", iterations_max,
                       "from 1 to " + std::to_string(limits::iterations_max));
    if (silence_ms < 1) return refused("silence_ms", silence_ms, "at least 1");
    if (session_ms < silence_ms)
        return refused("session_ms", session_ms,
                       "at least silence_ms = " + std::to_string(silence_ms));
    if (privacy_members_min < 1 || privacy_members_min >= limits::members_per_net_max)
        return refused("privacy_members_min", privacy_members_min,
                       "at least 1 and below " + std::to_string(limits::members_per_net_max));
    return {};
}

Bytes Parameters::encode() const {
    return ByteWriter()
        .u32(interval_s)
        .u32(horizon)
        .u32(channels)
        .f64(rho_eur_per_kw2)
        .f64(alpha)
        .f64(weight_flexible)
        .f64(weight_curtailing)
        .f64(weight_stiff)
        .u8(weight_feeder_by_homes)
        .u8(static_cast<std::uint8_t>(balance_rho))
        .u8(static_cast<std::uint8_t>(method))
        .f64(primal_tolerance_kw)
        .f64(dual_tolerance)
        .f64(price_scale_eur_per_kwh)
        .u32(iterations_max)
        .u32(silence_ms)
        .u32(session_ms)
        .u32(privacy_members_min)
        .bytes();
}

crypto::Digest Parameters::digest() const {
    Bytes named = encode();
    if (method != Method::proximal) named.push_back(priced_form);
    return crypto::digest("market", named);
}

Result<Parameters> Parameters::decode(ByteView bytes) {
    ByteReader in(bytes);
    Parameters out;
    out.interval_s = in.u32();
    out.horizon = in.u32();
    out.channels = in.u32();
    out.rho_eur_per_kw2 = in.f64();
    out.alpha = in.f64();
    out.weight_flexible = in.f64();
    out.weight_curtailing = in.f64();
    out.weight_stiff = in.f64();
    const std::uint8_t by_homes = in.u8();
    const std::uint8_t balance = in.u8();
    const std::uint8_t method = in.u8();
    out.weight_feeder_by_homes = by_homes != 0;
    out.balance_rho = static_cast<Balance>(balance);
    out.method = static_cast<Method>(method);
    out.primal_tolerance_kw = in.f64();
    out.dual_tolerance = in.f64();
    out.price_scale_eur_per_kwh = in.f64();
    out.iterations_max = in.u32();
    out.silence_ms = in.u32();
    out.session_ms = in.u32();
    out.privacy_members_min = in.u32();
    if (!in.complete() || by_homes > 1 || balance > static_cast<std::uint8_t>(Balance::stalled) ||
        method > static_cast<std::uint8_t>(Method::priced))
        return Error{"market parameters are damaged: not the canonical " +
                     std::to_string(Parameters{}.encode().size()) + " bytes"};
    if (auto valid = out.validate(); !valid) return valid.error();
    return out;
}

}  // namespace kilter::market
