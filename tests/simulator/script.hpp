/// Scripts: what happens at a table, as text one can read and review. A file is commands, each followed by "----" and what
/// the replicas then did; tests/simulator/transcripts/*.txt are played and compared. Commands:
///
///     cluster N [twins K]          N replicas start and have met; K runs twice, the second one as process N
///     submit P NAME                an entry NAME for process P
///     deliver [without RULE...]    until nothing lies on the table; a rule is "P>Q", "P>*", "*>Q" or a kind of message
///     lose                         everything on the table
///     timeout P... [KIND]          the view timer (or standstill, batch) of these runs out
///     crash P... | restart P...    "all" stands for all
///     run MS latency MS            time passes
///     equivocate K V A B to P...   key K proposes two blocks in view V on genesis: A to these, B to the others
///     vote K KIND V [BLOCK] to P...  a vote forged with key K
///     quiet | loud                 from here on no output but that of status, journal and log
///     status | journal P | log P   where everybody is, the votes on P's disk, P's final blocks
#pragma once

#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "tests/simulator/table.hpp"

namespace kilter::consensus::simulation {

class Script final : public Onlooker {
  public:
    /// Plays the commands of `text` and returns it with what really happened in place of what was expected.
    std::string play(const std::string& text);

    void turned(Address address, const Outputs& outputs) override;

  private:
    void command(const std::string& line);
    void cluster(std::istringstream& words);
    void deliver(std::istringstream& words);
    void forge(const std::string& verb, std::istringstream& words);
    void report(const std::string& verb, std::istringstream& words);
    [[nodiscard]] std::vector<Address> processes(std::istringstream& words) const;
    [[nodiscard]] EntryPtr entry(const std::string& name);

    // narration.cpp
    [[nodiscard]] std::string name(const BlockHash& hash) const;
    void learn(const Block& block);
    [[nodiscard]] std::string message_text(const Message& message);
    [[nodiscard]] std::string describe(const Vote& vote) const;
    [[nodiscard]] std::string describe(const Cert& cert) const;
    [[nodiscard]] std::string describe(const Block& block) const;
    [[nodiscard]] std::string write_text(const Write& write) const;

    std::unique_ptr<Table> table_;
    std::ostringstream out_;
    bool quiet_ = false;
    std::map<BlockHash, std::string> blocks_;
    std::map<View, std::size_t> blocks_in_view_;
    std::map<std::string, BlockPtr> by_name_;
    std::map<EntryId, std::string> entries_;
    std::map<Address, View> views_;
};

}  // namespace kilter::consensus::simulation
