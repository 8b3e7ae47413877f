#include "tests/simulator/script.hpp"

#include "common/crypto/merkle.hpp"

namespace kilter::consensus::simulation {

namespace {
constexpr std::uint64_t author = 1'000;

TimerKind timer_named(const std::string& name) {
    return name == "standstill" ? TimerKind::standstill
           : name == "batch"    ? TimerKind::batch
                                : TimerKind::view;
}

const char* kind_of(const Message& message) {
    static constexpr const char* names[] = {
        "proposal", "vote",   "cert",        "status",   "get",       "block", "get_range",
        "range",    "submit", "epoch_proof", "manifest", "get_piece", "piece"};
    return names[message.index()];
}

bool matches(const std::string& rule, const Packet& packet) {
    const std::size_t arrow = rule.find('>');
    if (arrow == std::string::npos) return rule == kind_of(packet.message);
    const auto fits = [](const std::string& side, Address address) {
        return side == "*" || side == std::to_string(address);
    };
    return fits(rule.substr(0, arrow), packet.from) && fits(rule.substr(arrow + 1), packet.to);
}
}  // namespace

std::string Script::play(const std::string& text) {
    std::istringstream lines(text);
    std::string played;
    bool expected = false;
    for (std::string line; std::getline(lines, line);) {
        if (expected) {
            expected = !line.empty();
            if (line.empty()) played += '\n';
            continue;
        }
        if (line == "----") {
            played += line + '\n' + out_.str();
            out_.str({});
            expected = true;
            continue;
        }
        played += line + '\n';
        if (!line.empty() && line[0] != '#') command(line);
    }
    return played;
}

EntryPtr Script::entry(const std::string& name) {
    Entry entry;
    entry.type = 1;
    entry.expires_ms = genesis_ms + 3'600'000;
    entry.body = to_bytes(as_bytes("entry " + name));
    sign(entry, table_->config().chain, identity_of(author));
    EntryPtr sealed = seal(std::move(entry));
    entries_[sealed->id] = name;
    return sealed;
}

std::vector<Address> Script::processes(std::istringstream& words) const {
    std::vector<Address> out;
    for (std::string word; words >> word;)
        if (word == "all")
            for (Address address = 0; address < table_->size(); ++address)
                out.push_back(address);
        else
            out.push_back(std::stoul(word));
    return out;
}

void Script::command(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "cluster") {
        cluster(words);
    } else if (verb == "submit") {
        Address to = 0;
        std::string name;
        words >> to >> name;
        table_->submit(to, entry(name));
    } else if (verb == "deliver") {
        deliver(words);
    } else if (verb == "lose") {
        table_->packets().clear();
    } else if (verb == "timeout") {
        std::vector<Address> who;
        std::string kind = "view";
        for (std::string word; words >> word;)
            if (std::isdigit(static_cast<unsigned char>(word[0])) != 0)
                who.push_back(std::stoul(word));
            else
                kind = word;
        for (const Address address : who)
            if (!table_->expire(address, timer_named(kind)))
                out_ << address << " has no such timer\n";
    } else if (verb == "crash" || verb == "restart") {
        for (const Address address : processes(words))
            verb == "crash" ? table_->crash(address) : table_->start(address);
    } else if (verb == "run") {
        std::int64_t time = 0;
        std::int64_t latency = 1;
        std::string word;
        words >> time >> word >> latency;
        table_->run(time, latency);
    } else if (verb == "equivocate" || verb == "vote") {
        forge(verb, words);
    } else if (verb == "quiet" || verb == "loud") {
        quiet_ = verb == "quiet";
    } else {
        report(verb, words);
    }
}

void Script::cluster(std::istringstream& words) {
    std::size_t replicas = 0;
    std::string twins;
    ReplicaIndex twin = 0;
    words >> replicas;
    std::vector<ReplicaIndex> keys(replicas);
    for (std::size_t i = 0; i < replicas; ++i)
        keys[i] = static_cast<ReplicaIndex>(i);
    if (words >> twins >> twin) keys.push_back(twin);
    table_ = std::make_unique<Table>(replicas, keys);
    table_->watch(this);
    blocks_[genesis_hash(table_->config().chain)] = "genesis";
    const bool was_quiet = std::exchange(quiet_, true);
    for (Address address = 0; address < table_->size(); ++address)
        table_->start(address);
    table_->packets().clear();
    quiet_ = was_quiet;
}

void Script::deliver(std::istringstream& words) {
    std::vector<std::string> rules;
    std::string word;
    words >> word;  // without
    while (words >> word)
        rules.push_back(word);
    table_->deliver([&](const Packet& packet) {
        return std::any_of(rules.begin(), rules.end(),
                           [&](const std::string& rule) { return matches(rule, packet); });
    });
}

void Script::forge(const std::string& verb, std::istringstream& words) {
    ReplicaIndex key = 0;
    words >> key;
    const auto signed_vote = [&](VoteKind kind, View view, const BlockHash& hash) {
        Vote vote{kind, 0, view, hash, key, {}};
        vote.signature =
            identity_of(key).sign(vote_bytes(table_->config().chain, kind, 0, view, hash));
        return vote;
    };
    if (verb == "vote") {
        std::string kind;
        std::string target;
        View view = 0;
        words >> kind >> view >> target;
        BlockHash hash;
        if (target != "to") {
            hash = by_name_.at(target)->hash;
            words >> target;
        }
        const VoteKind which = kind == "notar"  ? VoteKind::notar
                               : kind == "skip" ? VoteKind::skip
                                                : VoteKind::final;
        for (const Address to : processes(words))
            table_->forge(key, to, signed_vote(which, view, hash));
        return;
    }
    View view = 0;
    std::string first;
    std::string second_name;
    std::string to;
    words >> view >> first >> second_name >> to;
    const std::vector<Address> some = processes(words);
    const auto block_with = [&](const std::string& name) {
        const EntryPtr content = entry(name);
        const SmallLedger ledger;
        const auto execution = ledger.begin(ledger.initial(), 1, table_->wall());
        KILTER_CHECK(execution->apply(*content).admission == Admission::ready, "a fresh entry");
        crypto::MerkleFrontier log;
        log.append(content->leaf);
        Block block;
        block.entries = {content};
        Header& header = block.header;
        header.chain = table_->config().chain;
        header.view = view;
        header.parent_hash = genesis_hash(header.chain);
        header.height = 1;
        header.count = 1;
        header.payload_root = crypto::merkle_root(leaves(block));
        header.log_root = log.root();
        header.state_root = execution->finish()->root();
        header.time_ms = table_->wall();
        header.proposer = key;
        header.validators = table_->config().validators.hash();
        block.hash = hash(header);
        return std::make_shared<const Block>(std::move(block));
    };
    const BlockPtr a = block_with(first);
    const BlockPtr b = block_with(second_name);
    for (Address address = 0; address < table_->size(); ++address) {
        if (table_->key(address) == key) continue;
        const bool chosen = std::find(some.begin(), some.end(), address) != some.end();
        const BlockPtr& block = chosen ? a : b;
        learn(*block);
        table_->forge(key, address,
                      Proposal{block, signed_vote(VoteKind::notar, view, block->hash)});
    }
}

void Script::report(const std::string& verb, std::istringstream& words) {
    if (verb == "status") {
        for (Address address = 0; address < table_->size(); ++address) {
            out_ << address;
            if (!table_->up(address)) {
                out_ << " down\n";
                continue;
            }
            const ReplicaStatus status = table_->status(address);
            out_ << " view " << status.view << ", height " << status.final_height << ", "
                 << status.entries << " entries" << (status.has_work ? ", at work" : "")
                 << (status.halted ? ", halted" : "") << '\n';
        }
        return;
    }
    Address address = 0;
    words >> address;
    const auto image = table_->disk(address).durable().load();
    if (verb == "journal" && image)
        for (const Vote& vote : image->journal)
            out_ << describe(vote) << '\n';
    else if (verb == "log")
        for (const BlockPtr& block : table_->disk(address).durable().chain())
            out_ << block->header.height << ": " << describe(*block) << '\n';
    else
        out_ << "there is no command " << verb << '\n';
}

}  // namespace kilter::consensus::simulation
