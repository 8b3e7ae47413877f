#include "coordinator/core/journal.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/limits.hpp"

namespace kilter::coordinator {

namespace {

constexpr std::size_t piece_header_bytes = 8 + 4 + 1 + 4 + 2 + 2;
constexpr std::size_t piece_body_bytes = limits::journal_bytes_max - piece_header_bytes;

void write(ByteWriter& out, const market::Notice& notice) {
    out.u32(notice.about_iteration)
        .u64(notice.primal_square)
        .u64(notice.dual_square)
        .u32(notice.stop_iteration)
        .u8(static_cast<std::uint8_t>(notice.outcome));
}

std::optional<market::Notice> read_notice(ByteReader& in) {
    market::Notice out;
    out.about_iteration = in.u32();
    out.primal_square = in.u64();
    out.dual_square = in.u64();
    out.stop_iteration = in.u32();
    const std::uint8_t outcome = in.u8();
    const bool known = outcome == static_cast<std::uint8_t>(market::Outcome::converged) ||
                       outcome == static_cast<std::uint8_t>(market::Outcome::partial);
    if (!known || out.stop_iteration == 0 || out.about_iteration != out.stop_iteration)
        return std::nullopt;
    out.outcome = static_cast<market::Outcome>(outcome);
    return out;
}

bool ascend(const std::vector<PartyId>& parties) {
    return std::adjacent_find(parties.begin(), parties.end(), std::greater_equal<>()) ==
           parties.end();
}

// A count of things of at least so many bytes each. Nothing can be read any more when there is no room for them.
std::size_t read_count(ByteReader& in, std::size_t each, std::size_t most) {
    const std::size_t count = in.u32();
    if (count <= most && count * each <= in.left()) return count;
    (void)in.raw(in.left() + 1);
    return 0;
}

std::optional<market::Seat> read_seat(ByteReader& in) {
    market::Seat out;
    out.net = NetId{in.u32()};
    std::vector<PartyId> parties;
    for (std::size_t left = read_count(in, 12, limits::members_per_net_max); left > 0; --left) {
        const PartyId party{in.u32()};
        const double weight = in.f64();
        if (!std::isfinite(weight) || weight <= 0) return std::nullopt;
        out.members.push_back({party, weight});
        parties.push_back(party);
    }
    if (parties.empty() || !ascend(parties)) return std::nullopt;
    return out;
}

}  // namespace

std::vector<wire::Message> pieces_of(const market::SessionId& session,
                                     std::uint8_t generation,
                                     std::uint32_t iteration,
                                     ByteView whole) {
    std::vector<wire::Message> out;
    const std::size_t count = (whole.size() + piece_body_bytes - 1) / piece_body_bytes;
    if (count > journal_pieces_max) return out;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t from = i * piece_body_bytes;
        out.push_back(wire::SessionJournal{
            ByteWriter{}
                .i64(session.interval)
                .u32(session.opening)
                .u8(generation)
                .u32(iteration)
                .u16(static_cast<std::uint16_t>(i))
                .u16(static_cast<std::uint16_t>(count))
                .raw(whole.subspan(from, std::min(piece_body_bytes, whole.size() - from)))
                .bytes()});
    }
    return out;
}

std::optional<JournalPiece> decode_piece(const wire::SessionJournal& message) {
    ByteReader in(message.payload);
    JournalPiece out;
    out.session.interval = in.i64();
    out.session.opening = in.u32();
    out.generation = in.u8();
    out.iteration = in.u32();
    out.index = in.u16();
    out.count = in.u16();
    if (in.failed() || out.session.interval < 0 || out.iteration > limits::iterations_max ||
        out.count > journal_pieces_max || out.index >= out.count)
        return std::nullopt;
    out.bytes = to_bytes(in.raw(in.left()));
    return out;
}

std::optional<Bytes> PieceStack::add(const JournalPiece& piece) {
    if (piece.index == 0) {
        iteration_ = piece.iteration;
        next_ = 0;
        bytes_.clear();
    }
    if (piece.iteration != iteration_ || piece.index != next_) return std::nullopt;
    bytes_.insert(bytes_.end(), piece.bytes.begin(), piece.bytes.end());
    if (++next_ < piece.count) return std::nullopt;
    return std::exchange(bytes_, {});
}

Bytes encode(const SessionStart& start, const market::Parameters& parameters) {
    ByteWriter out;
    out.u64(start.roster_epoch).raw(start.parameters.view()).u32(start.chair.value);
    out.f64(start.start.rho_eur_per_kw2).u32(static_cast<std::uint32_t>(start.seats.size()));
    for (std::size_t i = 0; i < start.seats.size(); ++i) {
        const market::Seat& seat = start.seats[i];
        out.u32(seat.net.value).u32(static_cast<std::uint32_t>(seat.members.size()));
        for (const market::Member& member : seat.members)
            out.u32(member.party.value).f64(member.weight);
        for (const auto* rows : {&start.start.y_eur_per_kw, &start.start.z_kw})
            out.words(std::span<const double>(market::terminal_values(*rows, i, parameters).data(),
                                              parameters.quantities()));
    }
    return std::move(out).bytes();
}

std::optional<SessionStart> decode_start(ByteView bytes, const market::Parameters& parameters) {
    ByteReader in(bytes);
    SessionStart out;
    out.roster_epoch = in.u64();
    out.parameters = in.fixed<crypto::Digest>();
    out.chair = PartyId{in.u32()};
    const double rho = in.f64();
    if (!(rho >= limits::rho_eur_per_kw2_min && rho <= limits::rho_eur_per_kw2_max))
        return std::nullopt;
    const std::size_t seat_bytes = 8 + 12 + std::size_t{16} * parameters.quantities();
    const std::size_t rows = read_count(in, seat_bytes, limits::nets_max);
    if (rows == 0) return std::nullopt;
    out.start = market::WarmState::cold(static_cast<Eigen::Index>(rows * parameters.channels),
                                        parameters.horizon, rho);
    for (std::size_t i = 0; i < rows; ++i) {
        auto seat = read_seat(in);
        if (!seat) return std::nullopt;
        out.seats.push_back(std::move(*seat));
        for (auto* values : {&out.start.y_eur_per_kw, &out.start.z_kw})
            for (double& value : market::terminal_values(*values, i, parameters))
                value = in.f64();
    }
    if (!in.complete() || !out.start.y_eur_per_kw.allFinite() || !out.start.z_kw.allFinite())
        return std::nullopt;
    return out;
}

Bytes encode(const market::Journal& journal) {
    ByteWriter out;
    out.u8(journal.stop ? 1 : 0);
    if (journal.stop) write(out, *journal.stop);
    out.u32(static_cast<std::uint32_t>(journal.nets.size()));
    for (const market::Journal::Net& net : journal.nets) {
        out.u16(net.attempt).u32(static_cast<std::uint32_t>(net.homes.size()));
        for (const PartyId home : net.homes)
            out.u32(home.value);
        out.u32(static_cast<std::uint32_t>(net.words.size()));
        out.words(std::span(net.words));
    }
    if (!journal.memory.empty()) out.u32(static_cast<std::uint32_t>(journal.memory.size()));
    out.words(std::span(journal.memory));
    return std::move(out).bytes();
}

std::optional<market::Journal> decode_journal(ByteView bytes, std::uint32_t iteration) {
    ByteReader in(bytes);
    market::Journal out;
    out.iteration = iteration;
    const std::uint8_t stops = in.u8();
    if (stops > 1) return std::nullopt;
    if (stops == 1) {
        out.stop = read_notice(in);
        if (!out.stop) return std::nullopt;
    }
    for (std::size_t left = read_count(in, 10, limits::nets_max); left > 0; --left) {
        market::Journal::Net net;
        net.attempt = in.u16();
        for (std::size_t i = read_count(in, 4, limits::members_per_net_max); i > 0; --i)
            net.homes.push_back(PartyId{in.u32()});
        net.words.resize(read_count(in, word_bytes, limits::share_words_max));
        in.words(std::span(net.words));
        if (in.failed() || !ascend(net.homes)) return std::nullopt;
        out.nets.push_back(std::move(net));
    }
    if (in.left() > 0) {
        out.memory.resize(read_count(in, word_bytes, limits::journal_memory_max));
        in.words(std::span(out.memory));
        if (out.memory.empty()) return std::nullopt;
    }
    return in.complete() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace kilter::coordinator
