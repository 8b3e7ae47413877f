#include "common/storage/log_content.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/storage/log_rows.hpp"

namespace kilter::storage {

using consensus::BlockHash;
using consensus::Cert;

namespace {
constexpr std::size_t recent_blocks_max = 64;

constexpr const char* log_tables = R"(
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
}  // namespace

const StoreKind& log_kind() {
    static const StoreKind kind{0x6b6c'6c67, "the store of a log", "chain",
                                std::string(log_tables) + EntryIndex::schema};
    return kind;
}

LogStore::Content::Content(std::unique_ptr<Database> opened, settlement::Genesis document)
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
      prune_certs(database->prepare("DELETE FROM certificate WHERE kind IN (1, 2) AND view <= ?")),
      prune_blocks(database->prepare(
          "DELETE FROM block WHERE view <= ?1 AND hash != ?2 AND "
          "view > ifnull((SELECT view FROM chain WHERE height < ?3 ORDER BY height DESC "
          "LIMIT 1), 0)")),
      select_block(database->prepare("SELECT bytes FROM block WHERE hash = ?")),
      select_chain(database->prepare("SELECT hash, view FROM chain WHERE height = ?")),
      select_cert(database->prepare("SELECT cert FROM certificate WHERE kind = 3 AND view = ?")),
      select_base(database->prepare("SELECT ifnull(max(height), 0) FROM chain WHERE "
                                    "height - 1 NOT IN (SELECT height FROM chain)")),
      select_height(database->prepare("SELECT ifnull(max(height), 0) FROM chain")),
      select_key(database->prepare("SELECT id FROM entry_key WHERE key = ?")) {}

Error LogStore::Content::damaged(const std::string& what) const {
    return Error{database->file().string() + " is damaged: " + what};
}

Result<Height> LogStore::Content::height() {
    Result<Height> chain = chain_height();
    const auto heights = snapshots.heights();
    if (!chain || heights.empty()) return chain;
    return std::max(*chain, heights.back());
}

Result<Height> LogStore::Content::base() {
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

Result<Height> LogStore::Content::chain_height() {
    const Result<bool> row = select_height.restart().row();
    if (!row) return row.error();
    const auto out = static_cast<Height>(select_height.integer(0));
    select_height.restart();
    return out;
}

Result<BlockPtr> LogStore::Content::block_by_hash(const Bytes& hash) {
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

std::vector<consensus::EpochProof> LogStore::Content::epochs() const {
    Statement select = database->prepare("SELECT proof FROM epoch ORDER BY epoch");
    std::vector<consensus::EpochProof> proofs;
    while (sound(select.row())) {
        auto proof =
            decoded(select.blob(0), [](ByteReader& in) { return consensus::read_epoch_proof(in); });
        if (!proof) die(database->file(), "the table of epochs is damaged");
        proofs.push_back(*std::move(proof));
    }
    return proofs;
}

Result<FinalBlock> LogStore::Content::final_block(Height height) {
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

Result<void> LogStore::Content::index_new_blocks() {
    return index.catch_up([this](Height height) -> Result<BlockPtr> {
        Result<FinalBlock> final = final_block(height);
        if (!final) return final.error();
        return final->block;
    });
}

Result<std::optional<EntryIndex::Place>> LogStore::Content::find(const EntryId& id) {
    if (auto indexed = index_new_blocks(); !indexed) return indexed.error();
    return index.find(id);
}

std::optional<consensus::Finalised> LogStore::Content::certified(const FinalBlock& final) {
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
                    done.descendants.insert(done.descendants.end(), proof.end.descendants.begin(),
                                            proof.end.descendants.end());
                    return done;
                }
            return std::nullopt;
        }
        if (header.height == top || done.descendants.size() == limits::descendants_max)
            return std::nullopt;
        if (!on_chain(header.height + 1)) return std::nullopt;  // a snapshot stands for it
        at = sound(final_block(header.height + 1));
        done.descendants.push_back(at.block->header);
    }
}

void LogStore::Content::forget_unfinished() const {
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

void LogStore::Content::settle() {
    if (std::exchange(staged, false)) database->commit();
}

void LogStore::Content::mark_final(const FinalMark& mark) {
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

void LogStore::Content::write_one(const consensus::Write& one) {
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

}  // namespace kilter::storage
