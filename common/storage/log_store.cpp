#include "common/storage/log_store.hpp"

#include <algorithm>
#include <deque>

#include "common/base/limits.hpp"
#include "common/consensus/block_tree.hpp"
#include "common/storage/database.hpp"

namespace kilter::storage {

using consensus::BlockHash;
using consensus::BlockPtr;
using consensus::Cert;
using consensus::EntryId;
using consensus::FinalBlock;
using consensus::FinalMark;
using consensus::Height;
using consensus::Vote;
using consensus::VoteKind;

namespace {
constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS genesis (one INTEGER PRIMARY KEY CHECK (one = 1), document BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS journal (view INTEGER, kind INTEGER, vote BLOB NOT NULL,
                                    PRIMARY KEY (view, kind)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS certificate (kind INTEGER, view INTEGER, cert BLOB NOT NULL,
                                        PRIMARY KEY (kind, view)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS block (hash BLOB UNIQUE NOT NULL, view INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS block_view ON block (view);
CREATE TABLE IF NOT EXISTS chain (height INTEGER PRIMARY KEY, view INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entry (id BLOB PRIMARY KEY, height INTEGER NOT NULL,
                                  position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry_key (key BLOB PRIMARY KEY, id BLOB NOT NULL) WITHOUT ROWID;
)";
constexpr std::size_t recent_blocks_max = 64;

std::int64_t as_integer(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

std::int64_t as_integer(VoteKind kind) {
    return static_cast<std::int64_t>(kind);
}

template <class Value>
Bytes bytes_of(const Value& value) {
    ByteWriter out;
    write(out, value);
    return std::move(out).bytes();
}

/// The whole of `bytes` as one value, through a reader function.
template <class Read>
auto decoded(const Bytes& bytes, Read read) -> decltype(read(std::declval<ByteReader&>())) {
    ByteReader in(bytes);
    auto value = read(in);
    if (!value || !in.complete()) return std::nullopt;
    return value;
}

std::optional<BlockPtr> decoded_block(const Bytes& bytes) {
    return decoded(bytes, [](ByteReader& in) { return consensus::read_block(in); });
}

std::optional<Cert> decoded_cert(const Bytes& bytes) {
    return decoded(bytes, [](ByteReader& in) { return consensus::read_cert(in); });
}

std::optional<Vote> decoded_vote(const Bytes& bytes) {
    return decoded(bytes, [](ByteReader& in) { return consensus::read_vote(in); });
}
}  // namespace

struct LogStore::Content {
    Content(std::unique_ptr<Database> opened, settlement::Genesis document)
        : database(std::move(opened)),
          genesis(std::move(document)),
          insert_vote(database->prepare("INSERT INTO journal VALUES (?, ?, ?)")),
          insert_cert(database->prepare("INSERT OR IGNORE INTO certificate VALUES (?, ?, ?)")),
          insert_block(database->prepare("INSERT OR IGNORE INTO block VALUES (?, ?, ?)")),
          insert_chain(database->prepare("INSERT INTO chain VALUES (?, ?, ?)")),
          insert_entry(database->prepare("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)")),
          insert_key(database->prepare("INSERT INTO entry_key VALUES (?, ?)")),
          prune_votes(database->prepare("DELETE FROM journal WHERE view <= ?")),
          prune_certs(
              database->prepare("DELETE FROM certificate WHERE kind IN (1, 2) AND view <= ?")),
          prune_blocks(database->prepare(
              "DELETE FROM block WHERE view <= ?1 AND hash != ?2 AND "
              "view > (SELECT ifnull(max(view), 0) FROM chain WHERE height < ?3)")),
          select_block(database->prepare("SELECT bytes FROM block WHERE hash = ?")),
          select_chain(database->prepare("SELECT hash, view FROM chain WHERE height = ?")),
          select_cert(
              database->prepare("SELECT cert FROM certificate WHERE kind = 3 AND view = ?")),
          select_height(database->prepare("SELECT ifnull(max(height), 0) FROM chain")),
          select_entry(database->prepare("SELECT height, position FROM entry WHERE id = ?")),
          select_key(database->prepare("SELECT id FROM entry_key WHERE key = ?")) {}

    [[nodiscard]] Error damaged(const std::string& what) const {
        return Error{database->file().string() + " is damaged: " + what};
    }

    /// For reads on behalf of a running replica: damage ends the process.
    template <class T>
    [[nodiscard]] T sound(Result<T> result) const {
        if (!result) die(database->file(), result.error().message);
        return *std::move(result);
    }

    Result<Height> height() {
        const Result<bool> row = select_height.restart().row();
        if (!row) return row.error();
        const auto out = static_cast<Height>(select_height.integer(0));
        select_height.restart();
        return out;
    }

    Result<BlockPtr> block_by_hash(const Bytes& hash) {
        for (const BlockPtr& block : recent)
            if (std::equal(hash.begin(), hash.end(), block->hash.bytes.begin())) return block;
        const Result<bool> row = select_block.restart().bind(ByteView{hash}).row();
        if (!row) return row.error();
        if (!*row) return damaged("block " + short_hex(hash) + " is missing");
        const auto block = decoded_block(select_block.blob(0));
        select_block.restart();
        if (!block || !std::equal(hash.begin(), hash.end(), (*block)->hash.bytes.begin()))
            return damaged("block " + short_hex(hash) + " is not what its hash says");
        return *block;
    }

    Result<FinalBlock> final_block(Height height) {
        const Result<bool> row = select_chain.restart().bind(as_integer(height)).row();
        if (!row) return row.error();
        if (!*row) return Error{"there is no final block at height " + std::to_string(height)};
        const Bytes hash = select_chain.blob(0);
        const std::int64_t view = select_chain.integer(1);
        select_chain.restart();
        if (hash.size() != BlockHash::size) return damaged("height " + std::to_string(height));
        Result<BlockPtr> block = block_by_hash(hash);
        if (!block) return block.error();
        if ((*block)->header.height != height || as_integer((*block)->header.view) != view)
            return damaged("the block at height " + std::to_string(height) + " belongs elsewhere");
        FinalBlock out{*std::move(block), std::nullopt};
        const Result<bool> certified = select_cert.restart().bind(view).row();
        if (!certified) return certified.error();
        if (*certified) {
            out.certificate = decoded_cert(select_cert.blob(0));
            if (!out.certificate || out.certificate->hash != out.block->hash)
                return damaged("the certificate of height " + std::to_string(height));
        }
        select_cert.restart();
        return out;
    }

    void mark_final(const FinalMark& mark) {
        const BlockPtr block = sound(block_by_hash(to_bytes(mark.hash.view())));
        insert_chain.restart()
            .bind(as_integer(mark.height))
            .bind(as_integer(mark.view))
            .bind(mark.hash.view())
            .run();
        std::int64_t position = 0;
        for (const consensus::EntryPtr& entry : block->entries) {
            insert_entry.restart()
                .bind(entry->id.view())
                .bind(as_integer(mark.height))
                .bind(position++)
                .run();
            if (!entry->entry.key.empty())
                insert_key.restart().bind(ByteView{entry->entry.key}).bind(entry->id.view()).run();
        }
        prune_votes.restart().bind(as_integer(mark.view)).run();
        prune_certs.restart().bind(as_integer(mark.view)).run();
        prune_blocks.restart()
            .bind(as_integer(mark.view))
            .bind(mark.hash.view())
            .bind(as_integer(mark.height))
            .run();
    }

    void write_one(const consensus::Write& one) {
        if (const auto* vote = std::get_if<Vote>(&one)) {
            // No replacing: a second vote of a kind in a view must never reach the disk, let alone the wire.
            insert_vote.restart()
                .bind(as_integer(vote->view))
                .bind(as_integer(vote->kind))
                .bind(ByteView{bytes_of(*vote)})
                .run();
        } else if (const auto* block = std::get_if<BlockPtr>(&one)) {
            insert_block.restart()
                .bind((*block)->hash.view())
                .bind(as_integer((*block)->header.view))
                .bind(ByteView{bytes_of(**block)})
                .run();
            recent.push_back(*block);
            if (recent.size() > recent_blocks_max) recent.pop_front();
        } else if (const auto* cert = std::get_if<Cert>(&one)) {
            insert_cert.restart()
                .bind(as_integer(cert->kind))
                .bind(as_integer(cert->view))
                .bind(ByteView{bytes_of(*cert)})
                .run();
        } else {
            mark_final(std::get<FinalMark>(one));
        }
    }

    std::unique_ptr<Database> database;
    settlement::Genesis genesis;
    Statement insert_vote, insert_cert, insert_block, insert_chain, insert_entry, insert_key;
    Statement prune_votes, prune_certs, prune_blocks;
    Statement select_block, select_chain, select_cert, select_height, select_entry, select_key;
    std::deque<BlockPtr> recent;  // written lately: becoming final soon
};

namespace {
Result<settlement::Genesis> stored_genesis(Database& database) {
    Statement select = database.prepare("SELECT document FROM genesis");
    const Result<bool> row = select.row();
    if (!row) return row.error();
    if (!*row) return Error{database.file().string() + " holds no genesis document"};
    Result<settlement::Genesis> genesis = settlement::Genesis::decode(select.blob(0));
    if (!genesis)
        return Error{database.file().string() + " is damaged: " + genesis.error().message};
    return genesis;
}
}  // namespace

Result<LogStore> LogStore::open(const std::filesystem::path& file,
                                const settlement::Genesis& genesis) {
    auto database = Database::open(file, schema);
    if (!database) return database.error();
    if (auto sound = (*database)->check(); !sound) return sound.error();
    Statement count = (*database)->prepare("SELECT count(*) FROM genesis");
    const Result<bool> row = count.row();
    if (!row) return row.error();
    const bool fresh = count.integer(0) == 0;
    count.restart();
    if (fresh) {
        (*database)->begin();
        const Bytes document = genesis.encode();
        Statement insert = (*database)->prepare("INSERT INTO genesis VALUES (1, ?)");
        insert.bind(ByteView{document}).run();
        (*database)->commit();
    }
    Result<settlement::Genesis> stored = stored_genesis(**database);
    if (!stored) return stored.error();
    if (stored->chain_id() != genesis.chain_id())
        return Error{file.string() + " is the store of log " +
                     short_hex(stored->chain_id().view()) + ", not of " +
                     short_hex(genesis.chain_id().view())};
    return LogStore(std::make_unique<Content>(*std::move(database), *std::move(stored)));
}

Result<LogStore> LogStore::open_read_only(const std::filesystem::path& file) {
    auto database = Database::open_read_only(file);
    if (!database) return database.error();
    if (auto sound = (*database)->check(); !sound) return sound.error();
    Statement tables = (*database)->prepare(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('genesis', "
        "'journal', "
        "'certificate', 'block', 'chain', 'entry', 'entry_key')");
    const Result<bool> row = tables.row();
    if (!row) return row.error();
    if (tables.integer(0) != 7) return Error{file.string() + " is not the store of a log"};
    Result<settlement::Genesis> stored = stored_genesis(**database);
    if (!stored) return stored.error();
    return LogStore(std::make_unique<Content>(*std::move(database), *std::move(stored)));
}

const settlement::Genesis& LogStore::genesis() const {
    return content_->genesis;
}

Result<consensus::DurableImage> LogStore::load(const consensus::Application& application) const {
    Content& c = *content_;
    consensus::BlockTree tree(settlement::config_of(c.genesis), application, {});
    const Result<Height> height = c.height();
    if (!height) return height.error();
    consensus::DurableImage image;
    for (Height h = 1; h <= *height; ++h) {
        Result<FinalBlock> final = c.final_block(h);
        if (!final) return final.error();
        const BlockPtr& block = final->block;
        if (block->header.parent_hash != tree.tip_hash() || !consensus::body_fits(*block))
            return c.damaged("block " + std::to_string(h) +
                             " does not fit its place or its content");
        tree.insert(block);
        if (tree.executed(block->hash) == nullptr)
            return c.damaged("block " + std::to_string(h) + " does not lead to its state");
        tree.advance_tip(block->hash);
        if (h + 8 > *height) image.blocks.push_back(block);
    }
    if (*height > 0) {
        image.tip = tree.tip().block->header;
        image.log = tree.tip().log;
        image.state = tree.tip().state;
    }
    const std::int64_t tip_view = as_integer(image.tip.view);
    Statement blocks = c.database->prepare("SELECT bytes FROM block WHERE view > ? ORDER BY view");
    Statement votes = c.database->prepare("SELECT vote FROM journal WHERE view > ?");
    Statement certs =
        c.database->prepare("SELECT cert FROM certificate WHERE kind IN (1, 2) AND view > ?");
    Statement newest = c.database->prepare(
        "SELECT cert FROM certificate WHERE kind = 3 ORDER BY view DESC LIMIT 1");
    const auto each = [&](Statement& rows, const char* name, auto take) -> Result<void> {
        for (;;) {
            const Result<bool> row = rows.row();
            if (!row) return row.error();
            if (!*row) return {};
            if (!take(rows.blob(0))) return c.damaged(std::string("a row of ") + name);
        }
    };
    const auto into = [](auto& list, auto value) {
        if (!value) return false;
        list.push_back(*std::move(value));
        return true;
    };
    for (const Result<void>& read :
         {each(blocks.bind(tip_view), "block",
               [&](const Bytes& bytes) { return into(image.blocks, decoded_block(bytes)); }),
          each(votes.bind(tip_view), "journal",
               [&](const Bytes& bytes) { return into(image.journal, decoded_vote(bytes)); }),
          each(certs.bind(tip_view), "certificate",
               [&](const Bytes& bytes) { return into(image.certificates, decoded_cert(bytes)); }),
          each(newest, "certificate", [&](const Bytes& bytes) {
              image.tip_certificate = decoded_cert(bytes);
              return image.tip_certificate.has_value();
          })})
        if (!read) return read.error();
    return image;
}

void LogStore::apply(const std::vector<consensus::Write>& writes) {
    if (writes.empty()) return;
    content_->database->begin();
    for (const consensus::Write& one : writes)
        content_->write_one(one);
    content_->database->commit();
}

void LogStore::checkpoint() {
    content_->database->checkpoint();
}

std::optional<consensus::Range> LogStore::range(const consensus::GetRange& range) const {
    Content& c = *content_;
    const Height top = c.sound(c.height());
    if (range.from == 0) return std::nullopt;
    consensus::Range out;
    std::size_t bytes = 0;
    std::size_t certified = 0;  // blocks up to and with the last one that has a certificate
    for (Height h = range.from; h <= std::min(range.to, top); ++h) {
        FinalBlock final = c.sound(c.final_block(h));
        for (const consensus::EntryPtr& entry : final.block->entries)
            bytes += entry->encoded.size();
        bytes += 2 * consensus::header_bytes;
        // Past the budget, go on only to reach a certificate.
        const bool enough = bytes > limits::range_bytes_max && certified > 0;
        if (enough || out.blocks.size() == limits::range_blocks_max) break;
        out.blocks.push_back(std::move(final));
        if (out.blocks.back().certificate) certified = out.blocks.size();
    }
    out.blocks.resize(certified);
    if (out.blocks.empty()) return std::nullopt;
    return out;
}

std::optional<consensus::Receipt> LogStore::receipt(const EntryId& id) const {
    Content& c = *content_;
    if (!c.sound(c.select_entry.restart().bind(id.view()).row())) return std::nullopt;
    const auto height = static_cast<Height>(c.select_entry.integer(0));
    const auto position = static_cast<std::size_t>(c.select_entry.integer(1));
    c.select_entry.restart();
    FinalBlock final = c.sound(c.final_block(height));
    if (position >= final.block->entries.size() || final.block->entries[position]->id != id)
        die(c.database->file(), "the index of entries is damaged");
    consensus::Finalised done{final.block, {}, {}};
    const Height top = c.sound(c.height());
    for (Height h = height; !final.certificate; final = c.sound(c.final_block(h))) {
        if (++h > top || done.descendants.size() == limits::descendants_max) return std::nullopt;
        done.descendants.push_back(c.sound(c.final_block(h)).block->header);
    }
    done.certificate = *final.certificate;
    return consensus::make_receipt(done, position);
}

std::optional<consensus::Receipt> LogStore::receipt_for_key(ByteView key) const {
    Content& c = *content_;
    if (!c.sound(c.select_key.restart().bind(key).row())) return std::nullopt;
    const Bytes id = c.select_key.blob(0);
    c.select_key.restart();
    if (id.size() != EntryId::size) die(c.database->file(), "the index of keys is damaged");
    return receipt(EntryId::from(id));
}

Height LogStore::height() const {
    return content_->sound(content_->height());
}

Result<FinalBlock> LogStore::block(Height height) const {
    return content_->final_block(height);
}

Result<settlement::AuditReport> LogStore::verify(
    const std::function<void(const settlement::CheckedEntry&)>& on_entry) const {
    Content& c = *content_;
    if (auto sound = c.database->check(); !sound) return sound.error();
    const consensus::ChainId chain = c.genesis.chain_id();
    const auto& validators = c.genesis.validators;

    c.database->begin_reading();
    const auto leave = [](Database* database) { database->end_reading(); };
    const std::unique_ptr<Database, decltype(leave)> moment(c.database.get(), leave);

    // What the audit below does not see: votes and certificates that wait, and the indices.
    Statement votes = c.database->prepare("SELECT vote, view, kind FROM journal");
    for (;;) {
        const Result<bool> row = votes.row();
        if (!row) return row.error();
        if (!*row) break;
        const auto vote = decoded_vote(votes.blob(0));
        if (!vote || as_integer(vote->view) != votes.integer(1) ||
            as_integer(vote->kind) != votes.integer(2) ||
            !consensus::verify(*vote, chain, validators))
            return c.damaged("a vote in the journal (view " + std::to_string(votes.integer(1)) +
                             ")");
    }
    Statement certs = c.database->prepare("SELECT cert, view, kind FROM certificate");
    for (;;) {
        const Result<bool> row = certs.row();
        if (!row) return row.error();
        if (!*row) break;
        const auto cert = decoded_cert(certs.blob(0));
        if (!cert || as_integer(cert->view) != certs.integer(1) ||
            as_integer(cert->kind) != certs.integer(2) ||
            consensus::verify(*cert, chain, validators) != consensus::CertVerdict::valid)
            return c.damaged("a certificate (view " + std::to_string(certs.integer(1)) + ")");
    }
    Statement blocks = c.database->prepare("SELECT bytes, hash, view FROM block");
    for (;;) {
        const Result<bool> row = blocks.row();
        if (!row) return row.error();
        if (!*row) break;
        const auto block = decoded_block(blocks.blob(0));
        if (!block || to_bytes((*block)->hash.view()) != blocks.blob(1) ||
            as_integer((*block)->header.view) != blocks.integer(2) ||
            !consensus::body_fits(**block))
            return c.damaged("a block (view " + std::to_string(blocks.integer(2)) + ")");
    }

    const Result<Height> height = c.height();
    if (!height) return height.error();
    settlement::Audit audit(c.genesis, on_entry);
    for (Height h = 1; h <= *height; ++h) {
        const Result<FinalBlock> final = c.final_block(h);
        if (!final) return final.error();
        if (auto added = audit.add(*final); !added) return added.error();
        std::int64_t position = 0;
        for (const consensus::EntryPtr& entry : final->block->entries) {
            const Result<bool> row = c.select_entry.restart().bind(entry->id.view()).row();
            if (!row) return row.error();
            if (!*row || c.select_entry.integer(0) != as_integer(h) ||
                c.select_entry.integer(1) != position++)
                return c.damaged("the index does not find entry " + short_hex(entry->id.view()));
        }
        c.select_entry.restart();
    }
    return audit.finish();
}

LogStore::LogStore(std::unique_ptr<Content> content) : content_(std::move(content)) {}

LogStore::LogStore(LogStore&&) noexcept = default;
LogStore& LogStore::operator=(LogStore&&) noexcept = default;
LogStore::~LogStore() = default;

}  // namespace kilter::storage
