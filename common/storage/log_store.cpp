#include "common/storage/log_store.hpp"

#include <algorithm>
#include <utility>

#include "common/consensus/block_tree.hpp"
#include "common/storage/log_content.hpp"
#include "common/storage/log_rows.hpp"

namespace kilter::storage {

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
    auto database = Database::open(file, log_kind(), durability);
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
    content->database->keep_log();
    content->forget_unfinished();
    if (auto sound = content->archive.check(); !sound) return sound.error();
    if (auto indexed = content->index_new_blocks(); !indexed) return indexed.error();
    return LogStore(std::move(content));
}

Result<LogStore> LogStore::open_read_only(const std::filesystem::path& file) {
    auto database = Database::open_read_only(file, log_kind());
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
              if (cert && (!image.tip_certificate || newer(*cert, *image.tip_certificate)))
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
                if (snapshot->received == received) content_->write_snapshot(*snapshot);
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

void LogStore::checkpoint() {
    content_->settle();
    content_->database->checkpoint();
}

void LogStore::start_log_over() {
    content_->settle();
    content_->database->start_log_over();
}

void LogStore::make_room() {
    if (!content_->staged) content_->database->make_room();
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

Result<Height> LogStore::begin(settlement::Audit& audit) const {
    const Result<Height> base = content_->base();
    if (!base) return base.error();
    if (*base == 0) return Height{1};
    const Result<StoredSnapshot> snapshot = content_->snapshots.read(*base);
    if (!snapshot) return snapshot.error();
    if (auto begun = audit.begin(snapshot->manifest, snapshot->pieces); !begun)
        return begun.error();
    return *base + 1;
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
    const Result<Height> first = begin(audit);
    if (!first) return first.error();
    for (Height h = *first; h <= *height; ++h) {
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
