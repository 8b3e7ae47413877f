// A cluster of four replicas at a table (tests/simulator/table.hpp), driven by arbitrary bytes: messages delivered, lost,
// repeated and altered in any order, timers, deaths, and votes and messages of any content from Byzantine replica 3. The
// replicas must survive it and keep their promises.

#include "tests/simulator/watch.hpp"

namespace {
using namespace kilter;
using namespace kilter::consensus;
using namespace kilter::consensus::simulation;

constexpr std::size_t replicas = 4;
constexpr Address byzantine = 3;
constexpr std::size_t commands_max = 300;
constexpr std::size_t packets_max = 2'000;

class Driver {
  public:
    explicit Driver(ByteView bytes) : in_(bytes), table_(replicas), watch_(table_, {byzantine}) {
        table_.watch(&watch_);
        for (Address address = 0; address < replicas; ++address)
            table_.start(address);
    }

    void drive() {
        for (std::size_t i = 0; i < commands_max && in_.left() > 0; ++i) {
            command();
            while (table_.packets().size() > packets_max)
                table_.packets().pop_front();
        }
        for (const Violation& violation : watch_.report().violations())
            check_failed(violation.invariant.c_str(), violation.what.c_str(), __FILE__, __LINE__);
    }

  private:
    Address process() { return in_.u8() % replicas; }

    Packet* packet() {
        const std::size_t at = in_.u8();
        auto& packets = table_.packets();
        return packets.empty() ? nullptr : &packets[at % packets.size()];
    }

    void command() {
        switch (in_.u8() % 12) {
            case 0:
                table_.deliver();
                break;
            case 1:
                if (const Packet* one = packet()) {
                    const Packet copy = *one;  // and it stays: it may come again
                    table_.step(copy.to, MessageReceived{table_.key(copy.from), copy.message});
                }
                break;
            case 2:
                if (!table_.packets().empty()) table_.packets().pop_front();
                break;
            case 3:
                table_.expire(process(), TimerKind::view);
                break;
            case 4:
                table_.expire(process(), TimerKind::standstill);
                break;
            case 5:
                table_.expire(process(), TimerKind::batch);
                break;
            case 6: {
                const Address who = process();
                table_.crash(who);
                table_.start(who);
                break;
            }
            case 7:
                submit();
                break;
            case 8:
                vote();
                break;
            case 9:
                alter();
                break;
            case 10: {
                const auto raw = decode(in_.raw(std::min<std::size_t>(in_.u16(), in_.left())));
                if (raw) table_.step(process(), MessageReceived{byzantine, *raw});
                break;
            }
            case 11:
                table_.run(in_.u8() * 8, 1 + in_.u8() % 16);
                break;
        }
    }

    void submit() {
        Entry entry;
        entry.type = 1;
        entry.seq = in_.u8() % 16;
        entry.expires_ms = genesis_ms + in_.u8() * 100;
        if (in_.u8() % 4 == 0) entry.key = Bytes{1};
        sign(entry, table_.config().chain, identity_of(1'000));
        table_.submit(process(), seal(std::move(entry)));
    }

    void vote() {
        Vote vote{static_cast<VoteKind>(1 + in_.u8() % 3), 0, in_.u8(), {}, byzantine, {}};
        if (vote.kind != VoteKind::skip) {
            vote.hash.bytes[0] = 1;
            if (const Packet* seen = packet())
                if (const auto* proposal = std::get_if<Proposal>(&seen->message))
                    vote.hash = proposal->block->hash;
        }
        vote.signature = identity_of(byzantine).sign(
            vote_bytes(table_.config().chain, vote.kind, 0, vote.view, vote.hash));
        table_.forge(byzantine, process(), vote);
    }

    /// Some bytes of a message changed; if it still is one, replica 3 says it.
    void alter() {
        const Packet* one = packet();
        if (one == nullptr) return;
        Bytes bytes = encode(one->message);
        for (std::size_t i = 0, n = 1 + in_.u8() % 4; i < n; ++i)
            bytes[in_.u16() % bytes.size()] = in_.u8();
        auto message = decode(bytes);
        if (!message) return;
        if (auto* proposal = std::get_if<Proposal>(&*message)) {
            proposal->vote.signer = byzantine;
            proposal->vote.hash = proposal->block->hash;
            proposal->vote.signature = identity_of(byzantine).sign(
                vote_bytes(table_.config().chain, proposal->vote.kind, proposal->vote.epoch,
                           proposal->vote.view, proposal->vote.hash));
        }
        table_.forge(byzantine, process(), *std::move(message));
    }

    ByteReader in_;
    Table table_;
    Watch watch_;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Driver({data, size}).drive();
    return 0;
}
