#include "common/storage/log_store.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "common/base/limits.hpp"
#include "common/consensus/block_tree.hpp"
#include "common/storage/archive.hpp"
#include "common/storage/database.hpp"
#include "common/storage/entry_index.hpp"
#include "common/storage/snapshot_store.hpp"

namespace kilter::storage {

using consensus::BlockHash;
using consensus::BlockPtr;
using consensus::Cert;
using consensus::Digest;
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
CREATE TABLE IF NOT EXISTS epoch (epoch INTEGER PRIMARY KEY, proof BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entry_key (key BLOB PRIMARY KEY, id BLOB NOT NULL) WITHOUT ROWID;
)";
constexpr std::size_t recent_blocks_max = 64;
constexpr std::size_t stretch_bytes = 4u << 20;  // of entries that leave the database at a time

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
          snapshots(database->file().string() + ".snapshots"),
          archive(database->file().string() + ".archive"),
          index(*database),
          insert_vote(database->prepare("INSERT INTO journal VALUES (?, ?, ?)")),
          insert_cert(database->prepare("INSERT OR IGNORE INTO certificate VALUES (?, ?, ?)")),
          insert_block(database->prepare("INSERT OR IGNORE INTO block VALUES (?, ?, ?)")),
          insert_chain(database->prepare("INSERT INTO chain VALUES (?, ?, ?)")),
          insert_key(database->prepare("INSERT OR REPLACE INTO entry_key VALUES (?, ?)")),
          insert_epoch(database->prepare("INSERT OR IGNORE INTO epoch VALUES (?, ?)")),
          end_votes(database->prepare("DELETE FROM journal WHERE view > ?")),
          end_certs(database->prepare("DELETE FROM certificate WHERE view > ?")),
          end_blocks(database->prepare("DELETE FROM block WHERE view > ?")),
          prune_votes(database->prepare("DELETE FROM journal WHERE view <= ?")),
          prune_certs(
              database->prepare("DELETE FROM certificate WHERE kind IN (1, 2) AND view <= ?")),
          prune_blocks(database->prepare(
              "DELETE FROM block WHERE view <= ?1 AND hash != ?2 AND "
              "view > ifnull((SELECT view FROM chain WHERE height < ?3 ORDER BY height DESC "
              "LIMIT 1), 0)")),
          select_block(database->prepare("SELECT bytes FROM block WHERE hash = ?")),
          select_chain(database->prepare("SELECT hash, view FROM chain WHERE height = ?")),
          select_cert(
              database->prepare("SELECT cert FROM certificate WHERE kind = 3 AND view = ?")),
          select_base(database->prepare("SELECT ifnull(max(height), 0) FROM chain WHERE "
                                        "height - 1 NOT IN (SELECT height FROM chain)")),
          select_height(database->prepare("SELECT ifnull(max(height), 0) FROM chain")),
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

    /// Of the newest final state here: the chain's, or a received snapshot's.
    Result<Height> height() {
        Result<Height> chain = chain_height();
        const auto heights = snapshots.heights();
        if (!chain || heights.empty()) return chain;
        return std::max(*chain, heights.back());
    }

    /// The snapshot above which all blocks are here; 0: from genesis on.
    Result<Height> base() {
        const Result<bool> row = select_base.restart().row();
        if (!row) return row.error();
        const auto first = static_cast<Height>(select_base.integer(0));
        select_base.restart();
        if (first == 1) return Height{0};
        for (const Height height : snapshots.heights())
            if (height + 1 >= first) return height;
        if (first == 0) return Height{0};
        return damaged("no snapshot stands for the blocks that were pruned");
    }

    Result<Height> chain_height() {
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
        if (!*row) return BlockPtr{};  // archived, or pruned
        const auto block = decoded_block(select_block.blob(0));
        select_block.restart();
        if (!block || !std::equal(hash.begin(), hash.end(), (*block)->hash.bytes.begin()))
            return damaged("block " + short_hex(hash) + " is not what its hash says");
        return *block;
    }

    [[nodiscard]] std::vector<consensus::EpochProof> epochs() const {
        Statement select = database->prepare("SELECT proof FROM epoch ORDER BY epoch");
        std::vector<consensus::EpochProof> proofs;
        while (sound(select.row())) {
            auto proof = decoded(select.blob(0),
                                 [](ByteReader& in) { return consensus::read_epoch_proof(in); });
            if (!proof) die(database->file(), "the table of epochs is damaged");
            proofs.push_back(*std::move(proof));
        }
        return proofs;
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
        if (!*block) {
            Result<FinalBlock> archived = archive.block(height);
            if (archived && to_bytes(archived->block->hash.view()) != hash)
                return damaged("the archived block at height " + std::to_string(height));
            return archived;
        }
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

    /// A writer's index follows its blocks; a reader's has to look what was written meanwhile.
    Result<void> index_new_blocks() {
        return index.catch_up([this](Height height) -> Result<BlockPtr> {
            Result<FinalBlock> final = final_block(height);
            if (!final) return final.error();
            return final->block;
        });
    }

    Result<std::optional<EntryIndex::Place>> find(const EntryId& id) {
        if (auto indexed = index_new_blocks(); !indexed) return indexed.error();
        return index.find(id);
    }

    /// With its certificate, a descendant's, or its epoch's proof.
    std::optional<consensus::Finalised> certified(const FinalBlock& final) {
        consensus::Finalised done{final.block, {}, {}};
        const Height top = sound(chain_height());
        for (FinalBlock at = final;;) {
            if (at.certificate) {
                done.certificate = *at.certificate;
                return done;
            }
            const consensus::Header& header = at.block->header;
            if (!header.next_validators.is_zero()) {
                for (const consensus::EpochProof& proof : epochs())
                    if (proof.end.header == header) {
                        done.certificate = proof.end.certificate;
                        done.descendants.insert(done.descendants.end(),
                                                proof.end.descendants.begin(),
                                                proof.end.descendants.end());
                        return done;
                    }
                return std::nullopt;
            }
            if (header.height == top || done.descendants.size() == limits::descendants_max)
                return std::nullopt;
            at = sound(final_block(header.height + 1));
            done.descendants.push_back(at.block->header);
        }
    }

    /// A snapshot that came from others is on disk before the proofs of the epochs it leads into: where the process died in
    /// between, it stands for nothing, and is fetched again.
    void forget_unfinished() const {
        const std::size_t proved = epochs().size();
        const auto heights = snapshots.heights();
        for (auto at = heights.rbegin(); at != heights.rend(); ++at) {
            const Result<StoredSnapshot> snapshot = snapshots.read(*at);
            if (!snapshot) return;  // load() says so
            const consensus::Header& header = snapshot->manifest.certified.header;
            if (header.epoch + (header.next_validators.is_zero() ? 0 : 1) <= proved) return;
            snapshots.remove(*at);
        }
    }

    /// The lowest height whose block is in the database; 0: none.
    Height lowest_block() {
        if (lowest == 0) {
            Statement select = database->prepare(
                "SELECT ifnull(min(chain.height), 0) FROM chain JOIN block ON chain.hash = "
                "block.hash");
            if (sound(select.row())) lowest = static_cast<Height>(select.integer(0));
        }
        return lowest;
    }

    bool on_chain(Height height) {
        const bool there = sound(select_chain.restart().bind(as_integer(height)).row());
        select_chain.restart();
        return there;
    }

    /// The stretch of blocks from the lowest one on that may leave: about stretch_bytes, ending with a certificate.
    std::vector<FinalBlock> old_stretch(Height last) {
        std::vector<FinalBlock> blocks;
        std::size_t bytes = 0;
        std::size_t certified = 0;
        if (lowest > 0 && !on_chain(lowest)) lowest = 0;  // below a received snapshot: look again
        for (Height h = lowest_block(); h > 0 && h <= last && on_chain(h); ++h) {
            if (bytes > stretch_bytes && certified > 0) break;
            blocks.push_back(sound(final_block(h)));
            for (const consensus::EntryPtr& entry : blocks.back().block->entries)
                bytes += entry->encoded.size();
            if (blocks.back().certificate) certified = blocks.size();
        }
        blocks.resize(certified);
        return blocks;
    }

    bool write_archive(std::vector<FinalBlock> blocks) {
        ArchiveFile stretch;
        const Height first = blocks.front().block->header.height;
        stretch.chain = genesis.chain_id();
        if (first > 1) {
            if (!archived_log || archived_log->first + 1 != first) {
                auto earlier = archive.after(first - 1);
                if (!earlier) return false;  // a received snapshot's blocks begin here
                archived_log = {first - 1, *std::move(earlier)};
            }
            stretch.before = archived_log->second;
        }
        stretch.blocks = std::move(blocks);
        stretch.epochs = epochs();
        stretch.epochs.resize(std::min<std::size_t>(stretch.epochs.size(),
                                                    stretch.blocks.back().block->header.epoch));
        archive.write(stretch);
        crypto::MerkleFrontier log = stretch.before;
        for (const FinalBlock& final : stretch.blocks)
            for (const consensus::EntryPtr& entry : final.block->entries)
                log.append(entry->leaf);
        archived_log = {stretch.blocks.back().block->header.height, std::move(log)};
        return true;
    }

    void settle() {
        if (std::exchange(staged, false)) database->commit();
    }

    bool prune(Height keep, bool into_archive) {
        settle();
        const auto heights = snapshots.heights();
        if (heights.size() < 2 || heights.front() <= keep) return false;
        std::vector<FinalBlock> blocks = old_stretch(heights.front() - keep);
        if (blocks.empty()) return false;
        const Height last = blocks.back().block->header.height;
        if (into_archive && !write_archive(std::move(blocks))) return false;
        database->begin();
        for (const char* table :
             {"DELETE FROM certificate WHERE kind = 3 AND view <= (SELECT view FROM chain WHERE "
              "height = ?)",
              "DELETE FROM block WHERE view <= (SELECT view FROM chain WHERE height = ?)"})
            database->prepare(table).bind(as_integer(last)).run();
        if (!into_archive) {
            index.forget_through(last);
            database->prepare("DELETE FROM chain WHERE height <= ?").bind(as_integer(last)).run();
        }
        database->commit();
        lowest = last + 1;
        return true;
    }

    void mark_final(const FinalMark& mark) {
        const BlockPtr block = sound(block_by_hash(to_bytes(mark.hash.view())));
        insert_chain.restart()
            .bind(as_integer(mark.height))
            .bind(as_integer(mark.view))
            .bind(mark.hash.view())
            .run();
        index.add(*block);
        for (const consensus::EntryPtr& entry : block->entries)
            if (!entry->entry.key.empty())
                insert_key.restart().bind(ByteView{entry->entry.key}).bind(entry->id.view()).run();
        prune_votes.restart().bind(as_integer(mark.view)).run();
        prune_certs.restart().bind(as_integer(mark.view)).run();
        prune_blocks.restart()
            .bind(as_integer(mark.view))
            .bind(mark.hash.view())
            .bind(as_integer(mark.height))
            .run();
    }

    void write_one(const consensus::Write& one) {
        if (const auto* own = std::get_if<consensus::OwnVote>(&one)) {
            // No replacing: a second vote of a kind in a view must never reach the disk, let alone the wire.
            insert_vote.restart()
                .bind(as_integer(own->vote().view))
                .bind(as_integer(own->vote().kind))
                .bind(ByteView{bytes_of(own->vote())})
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
        } else if (const auto* proof = std::get_if<consensus::EpochProof>(&one)) {
            const std::int64_t last = as_integer(proof->end.header.view);
            for (Statement* end : {&end_votes, &end_certs, &end_blocks})
                end->restart().bind(last).run();
            insert_epoch.restart()
                .bind(as_integer(proof->end.header.epoch + 1))
                .bind(ByteView{bytes_of(*proof)})
                .run();
        } else if (const auto* mark = std::get_if<FinalMark>(&one)) {
            mark_final(*mark);
        }
    }

    std::unique_ptr<Database> database;
    settlement::Genesis genesis;
    SnapshotStore snapshots;
    Archive archive;
    EntryIndex index;
    Statement insert_vote, insert_cert, insert_block, insert_chain, insert_key, insert_epoch,
        end_votes, end_certs, end_blocks;
    Statement prune_votes, prune_certs, prune_blocks;
    Statement select_block, select_chain, select_cert, select_base, select_height, select_key;
    std::optional<StoredSnapshot> served;  // the one whose pieces were asked for last
    bool staged = false;                   // a transaction is open
    std::deque<BlockPtr> recent;           // written lately: becoming final soon
    Height lowest = 0;                     // as lowest_block() found it, or prune() left it
    std::optional<std::pair<Height, crypto::MerkleFrontier>> archived_log;  // up to there
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
                                const settlement::Genesis& genesis,
                                Durability durability) {
    const std::string tables = std::string(schema) + EntryIndex::schema;
    auto database = Database::open(file, tables.c_str(), durability);
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
    auto content = std::make_unique<Content>(*std::move(database), *std::move(stored));
    content->forget_unfinished();
    if (auto indexed = content->index_new_blocks(); !indexed) return indexed.error();
    return LogStore(std::move(content));
}

Result<LogStore> LogStore::open_read_only(const std::filesystem::path& file) {
    auto database = Database::open_read_only(file);
    if (!database) return database.error();
    if (auto sound = (*database)->check(); !sound) return sound.error();
    Statement tables = (*database)->prepare(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('genesis', "
        "'journal', "
        "'certificate', 'block', 'chain', 'entry_run', 'entry_place', 'epoch', 'entry_key')");
    const Result<bool> row = tables.row();
    if (!row) return row.error();
    if (tables.integer(0) != 9) return Error{file.string() + " is not the store of a log"};
    Result<settlement::Genesis> stored = stored_genesis(**database);
    if (!stored) return stored.error();
    return LogStore(std::make_unique<Content>(*std::move(database), *std::move(stored)));
}

const settlement::Genesis& LogStore::genesis() const {
    return content_->genesis;
}

Result<consensus::DurableImage> LogStore::load(const consensus::Application& application) const {
    Content& c = *content_;
    const Result<Height> height = c.height();
    if (!height) return height.error();
    consensus::DurableImage image;
    image.epochs = c.epochs();
    consensus::EpochTable epochs(c.genesis.chain_id(), c.genesis.validators);
    for (const consensus::EpochProof& proof : image.epochs)
        if (!epochs.extend(proof)) return c.damaged("an epoch's proof");

    // From the newest snapshot on, else from genesis.
    const std::vector<Height> snapshots = c.snapshots.heights();
    Height from = 0;
    if (!snapshots.empty()) {
        from = snapshots.back();
        Result<StoredSnapshot> snapshot = c.snapshots.read(from);
        if (!snapshot) return snapshot.error();
        const auto outline = consensus::check(snapshot->manifest, epochs);
        if (!outline) return c.damaged("snapshot " + std::to_string(from) + " is not certified");
        image.tip = snapshot->manifest.certified.header;
        image.log = snapshot->manifest.log;
        image.state = std::make_shared<consensus::MapState>(*outline->join(snapshot->pieces));
        image.tip_certificate = snapshot->manifest.certified.certificate;
    }
    consensus::Config config = settlement::config_of(c.genesis);
    consensus::BlockTree tree(config, application, image);
    const auto enter = [&](const consensus::Header& tip) {
        const consensus::Epoch epoch = tip.epoch + (tip.next_validators.is_zero() ? 0 : 1);
        if (epochs.find(epoch) == nullptr) return false;
        tree.begin_epoch(epoch, epochs.find(epoch)->validators);
        return true;
    };
    if (!enter(tree.tip().block->header)) return c.damaged("the proof of an epoch is missing");
    for (Height h = from + 1; h <= *height; ++h) {
        Result<FinalBlock> final = c.final_block(h);
        if (!final) return final.error();
        const BlockPtr& block = final->block;
        if (block->header.parent_hash != tree.tip_hash() || !consensus::body_fits(*block))
            return c.damaged("block " + std::to_string(h) +
                             " does not fit its place or its content");
        tree.insert(block);
        if (auto understood = tree.understood(); !understood)
            return Error{"block " + std::to_string(h) + ": " + understood.error().message};
        if (tree.executed(block->hash) == nullptr)
            return c.damaged("block " + std::to_string(h) + " does not lead to its state");
        tree.advance_tip(block->hash);
        if (!block->header.next_validators.is_zero() && !enter(block->header))
            return c.damaged("the proof of an epoch is missing");
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
              const auto cert = decoded_cert(bytes);
              if (cert && (!image.tip_certificate || cert->view > image.tip_certificate->view))
                  image.tip_certificate = cert;
              return cert.has_value();
          })})
        if (!read) return read.error();
    return image;
}

void LogStore::apply(const std::vector<consensus::Write>& writes) {
    if (writes.empty()) return;
    // A received snapshot is what the rest of the turn builds on; an own one only shortens a restart.
    const auto save = [&](bool received) {
        for (const consensus::Write& one : writes)
            if (const auto* snapshot = std::get_if<consensus::Snapshot>(&one))
                if (snapshot->received == received) content_->snapshots.write(*snapshot);
    };
    save(true);
    stage(writes);
    settle();
    save(false);
}

void LogStore::stage(const std::vector<consensus::Write>& writes) {
    if (writes.empty()) return;
    if (!std::exchange(content_->staged, true)) content_->database->begin();
    for (const consensus::Write& one : writes)
        content_->write_one(one);
}

void LogStore::settle() {
    content_->settle();
}

bool LogStore::prune(Height keep, bool archived) {
    return content_->prune(keep, archived);
}

std::optional<consensus::Message> LogStore::answer(const consensus::Ask& ask) const {
    Content& c = *content_;
    if (const auto* get = std::get_if<consensus::GetPiece>(&ask)) {
        if (!c.served || c.served->manifest.certified.header.height != get->height) {
            const auto heights = c.snapshots.heights();
            if (std::find(heights.begin(), heights.end(), get->height) == heights.end())
                return std::nullopt;
            c.served = c.sound(c.snapshots.read(get->height));
        }
        if (get->number >= c.served->pieces.size()) return std::nullopt;
        return consensus::Piece{get->height, get->number, c.served->pieces[get->number]};
    }
    const auto& get = std::get<consensus::GetRange>(ask);
    if (auto blocks = range(get)) return *std::move(blocks);
    const auto heights = c.snapshots.heights();
    if (heights.empty() || heights.back() < get.from) return std::nullopt;
    c.served = c.sound(c.snapshots.read(heights.back()));
    return c.served->manifest;
}

void LogStore::checkpoint() {
    content_->settle();
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
        Result<FinalBlock> held = c.final_block(h);
        if (!held) break;  // pruned
        FinalBlock final = *std::move(held);
        for (const consensus::EntryPtr& entry : final.block->entries)
            bytes += entry->encoded.size();
        bytes += 2 * consensus::header_bytes;
        // Past the budget, go on only to reach a certificate.
        const bool enough = bytes > limits::range_bytes_max && certified > 0;
        if (enough || out.blocks.size() == limits::range_blocks_max) break;
        out.blocks.push_back(std::move(final));
        const consensus::FinalBlock& last = out.blocks.back();
        // The end of an epoch is final by the proof that the asker has been given.
        if (last.certificate || !last.block->header.next_validators.is_zero())
            certified = out.blocks.size();
    }
    out.blocks.resize(certified);
    if (out.blocks.empty()) return std::nullopt;
    return out;
}

std::optional<consensus::Receipt> LogStore::receipt(const EntryId& id) const {
    Content& c = *content_;
    const auto place = c.sound(c.find(id));
    if (!place) return std::nullopt;
    const std::size_t position = place->position;
    Result<FinalBlock> held = c.final_block(place->height);
    if (!held) return std::nullopt;  // pruned and not archived
    const FinalBlock final = *std::move(held);
    if (position >= final.block->entries.size() || final.block->entries[position]->id != id)
        die(c.database->file(), "the index of entries is damaged");
    const auto done = c.certified(final);
    if (!done) return std::nullopt;
    std::vector<consensus::EpochProof> proofs = c.epochs();
    proofs.resize(final.block->header.epoch);
    return consensus::make_receipt(*done, position, proofs);
}

std::optional<consensus::ConsistencyProof> LogStore::consistency(Height older, Height newer) const {
    Content& c = *content_;
    if (older == 0 || older > newer || newer > c.sound(c.height())) return std::nullopt;
    std::vector<Digest> all;
    std::optional<consensus::CertifiedHeader> sides[2];
    std::size_t old_size = 0;
    for (Height h = 1; h <= newer; ++h) {
        Result<FinalBlock> final = c.final_block(h);
        if (!final) return std::nullopt;
        for (const Digest& leaf : consensus::leaves(*final->block))
            all.push_back(leaf);
        for (const Height side : {older, newer}) {
            if (h != side) continue;
            const auto done = c.certified(*final);
            if (!done) return std::nullopt;
            sides[h == older ? 0 : 1] = consensus::CertifiedHeader{
                final->block->header, done->descendants, done->certificate};
        }
        if (h == older) old_size = all.size();
    }
    if (older == newer) sides[1] = sides[0];
    consensus::ConsistencyProof proof{*sides[0], *sides[1], {}, c.epochs()};
    proof.epochs.resize(sides[1]->header.epoch);
    if (old_size > 0) proof.path = crypto::consistency_path(all, old_size);
    return proof;
}

std::optional<consensus::Receipt> LogStore::receipt_for_key(ByteView key) const {
    Content& c = *content_;
    if (!c.sound(c.select_key.restart().bind(key).row())) return std::nullopt;
    const Bytes id = c.select_key.blob(0);
    c.select_key.restart();
    if (id.size() != EntryId::size) die(c.database->file(), "the index of keys is damaged");
    return receipt(EntryId::from(id));
}

std::vector<consensus::EpochProof> LogStore::epochs() const {
    return content_->epochs();
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
    c.settle();
    if (auto sound = c.database->check(); !sound) return sound.error();
    consensus::EpochTable epochs(c.genesis.chain_id(), c.genesis.validators);
    for (const consensus::EpochProof& proof : c.epochs())
        if (!epochs.extend(proof)) return c.damaged("an epoch's proof");

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
            as_integer(vote->kind) != votes.integer(2) || epochs.find(vote->epoch) == nullptr ||
            !consensus::verify(*vote, epochs.chain(), epochs.find(vote->epoch)->validators))
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
            as_integer(cert->kind) != certs.integer(2) || !epochs.holds(*cert))
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
    settlement::Audit audit(c.genesis, on_entry, epochs);
    Height first = 1;
    if (const Result<Height> base = c.base(); base && *base > 0) {
        const Result<StoredSnapshot> snapshot = c.snapshots.read(*base);
        if (!snapshot) return snapshot.error();
        if (auto begun = audit.begin(snapshot->manifest, snapshot->pieces); !begun)
            return begun.error();
        first = *base + 1;
    }
    for (Height h = first; h <= *height; ++h) {
        const Result<FinalBlock> final = c.final_block(h);
        if (!final) return final.error();
        if (auto added = audit.add(*final); !added) return added.error();
        std::size_t position = 0;
        for (const consensus::EntryPtr& entry : final->block->entries) {
            const auto place = c.find(entry->id);
            if (!place) return place.error();
            if (!*place || (*place)->height != h || (*place)->position != position++)
                return c.damaged("the index does not find entry " + short_hex(entry->id.view()));
        }
    }
    return audit.finish();
}

LogStore::LogStore(std::unique_ptr<Content> content) : content_(std::move(content)) {}

LogStore::LogStore(LogStore&&) noexcept = default;
LogStore& LogStore::operator=(LogStore&&) noexcept = default;
LogStore::~LogStore() = default;

}  // namespace kilter::storage
