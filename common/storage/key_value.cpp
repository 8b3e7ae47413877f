#include "common/storage/key_value.hpp"

#include "common/storage/database.hpp"

namespace kilter::storage {

namespace {
// Not WITHOUT ROWID, as in stores made before, which stay as they are: a search there reads every value it passes, and a
// roster has a third of a megabyte.
const StoreKind pairs_kind{
    0x6b6c'6b76, "a memory of pairs (agent.db, market.db)", "pair",
    "CREATE TABLE IF NOT EXISTS pair (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)"};
}  // namespace

struct KeyValue::Content {
    explicit Content(std::unique_ptr<Database> opened)
        : database(std::move(opened)),
          put(database->prepare("INSERT OR REPLACE INTO pair VALUES (?, ?)")),
          erase(database->prepare("DELETE FROM pair WHERE key = ?")),
          get(database->prepare("SELECT value FROM pair WHERE key = ?")),
          keys(database->prepare("SELECT key FROM pair WHERE key >= ? ORDER BY key")) {}

    std::unique_ptr<Database> database;
    Statement put, erase, get, keys;
};

Result<KeyValue> KeyValue::open(const std::filesystem::path& file) {
    auto database = Database::open(file, pairs_kind);
    if (!database) return database.error();
    if (auto sound = (*database)->check(); !sound) return sound.error();
    return KeyValue(std::make_unique<Content>(*std::move(database)));
}

Result<KeyValue> KeyValue::open_read_only(const std::filesystem::path& file) {
    auto database = Database::open_read_only(file, pairs_kind);
    if (!database) return database.error();
    return KeyValue(std::make_unique<Content>(*std::move(database)));
}

void KeyValue::put(const std::vector<std::pair<std::string, std::optional<Bytes>>>& changes) {
    if (changes.empty()) return;
    content_->database->begin();
    for (const auto& [key, value] : changes) {
        if (value)
            content_->put.restart().bind(key).bind(ByteView{*value}).run();
        else
            content_->erase.restart().bind(key).run();
    }
    content_->database->commit();
}

Result<std::optional<Bytes>> KeyValue::get(std::string_view key) const {
    Statement& get = content_->get.restart().bind(key);
    const Result<bool> found = get.row();
    if (!found) return found.error();
    std::optional<Bytes> value;
    if (*found) value = get.blob(0);
    get.restart();
    return value;
}

Result<std::vector<std::string>> KeyValue::keys(std::string_view prefix) const {
    std::vector<std::string> out;
    Statement& keys = content_->keys.restart().bind(prefix);
    for (;;) {
        const Result<bool> found = keys.row();
        if (!found) return found.error();
        if (!*found) break;
        const Bytes key = keys.blob(0);
        std::string text(key.begin(), key.end());
        if (!text.starts_with(prefix)) break;
        out.push_back(std::move(text));
    }
    keys.restart();
    return out;
}

KeyValue::KeyValue(std::unique_ptr<Content> content) : content_(std::move(content)) {}

KeyValue::KeyValue(KeyValue&&) noexcept = default;
KeyValue& KeyValue::operator=(KeyValue&&) noexcept = default;
KeyValue::~KeyValue() = default;

}  // namespace kilter::storage
