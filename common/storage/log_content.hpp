/// What a LogStore is made of: its tables, and the files beside them. Internal to this folder.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "common/storage/archive.hpp"
#include "common/storage/database.hpp"
#include "common/storage/entry_index.hpp"
#include "common/storage/log_store.hpp"
#include "common/storage/snapshot_store.hpp"

namespace kilter::storage {

using consensus::BlockPtr;
using consensus::EntryId;
using consensus::FinalBlock;
using consensus::FinalMark;
using consensus::Height;

const StoreKind& log_kind();

struct LogStore::Content {
    Content(std::unique_ptr<Database> opened, settlement::Genesis document);
    [[nodiscard]] Error damaged(const std::string& what) const;

    /// For reads on behalf of a running replica: damage ends the process.
    template <class T>
    [[nodiscard]] T sound(Result<T> result) const {
        if (!result) die(database->file(), result.error().message);
        return *std::move(result);
    }

    /// Of the newest final state here: the chain's, or a received snapshot's.
    Result<Height> height();

    /// The snapshot above which all blocks are here; 0: from genesis on.
    Result<Height> base();
    Result<Height> chain_height();
    Result<BlockPtr> block_by_hash(const Bytes& hash);
    [[nodiscard]] std::vector<consensus::EpochProof> epochs() const;
    Result<FinalBlock> final_block(Height height);

    /// A writer's index follows its blocks; a reader's has to look what was written meanwhile.
    Result<void> index_new_blocks();
    Result<std::optional<EntryIndex::Place>> find(const EntryId& id);

    /// With its certificate, a descendant's, or its epoch's proof. None where that is not here: a replica that is brought up
    /// knows of a block that it is final before it has the block whose certificate says so, and may get a snapshot instead.
    std::optional<consensus::Finalised> certified(const FinalBlock& final);

    /// A snapshot that came from others is on disk before the proofs of the epochs it leads into: where the process died in
    /// between, it stands for nothing, and is fetched again.
    void forget_unfinished() const;

    /// The lowest height whose block is in the database; 0: none.
    Height lowest_block();
    bool on_chain(Height height);

    /// The stretch of blocks from the lowest one on that may leave: about stretch_bytes, ending with a certificate. Or without
    /// one, all below a received snapshot: they were final by a certificate whose block never came, and prove nothing.
    std::vector<FinalBlock> old_stretch(Height last);
    bool write_archive(std::vector<FinalBlock> blocks);
    void write_snapshot(const consensus::Snapshot& snapshot) const;
    void settle();
    bool prune(Height keep, bool into_archive);
    void mark_final(const FinalMark& mark);
    void write_one(const consensus::Write& one);

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

}  // namespace kilter::storage
