#include "common/products/books.hpp"

#include <algorithm>

namespace kilter::products {

namespace {

bool lasting(FactKind kind) {
    return kind == FactKind::tariff || kind == FactKind::rule;
}

void note(Cascade& cascade, const Derived& before, const Derived& after) {
    const auto count = [&](const Derived& derived, Wh sign) {
        for (const auto& [owner, origins] : derived.certificates.issued)
            for (const auto& [origin, energy_wh] : origins)
                cascade.certificates_wh[owner] += sign * energy_wh;
    };
    count(after, 1);
    count(before, -1);
}

}  // namespace

Result<void> Books::learn(const std::vector<Fact>& facts) {
    if (const auto settled = touched(facts); !settled.empty())
        return Error{"interval " + std::to_string(*settled.begin()) +
                     " is settled: what was wrong about it takes a correction"};
    for (const Fact& fact : facts)
        facts_.set(fact);
    return {};
}

Result<void> Books::settle(std::int64_t first, std::int64_t until) {
    std::map<std::int64_t, Derived> fresh;
    Posting posting{"settlement", first, until - 1, {}};
    Transfers all;
    for (std::int64_t t = first; t < until; ++t) {
        if (derived_.contains(t))
            return Error{"interval " + std::to_string(t) + " is settled already"};
        auto derived = derive(contracts_, facts_, t);
        if (!derived) return derived.error();
        all.insert(all.end(), derived->transfers.begin(), derived->transfers.end());
        fresh.emplace(t, *std::move(derived));
    }
    posting.transfers = difference({}, all);
    for (auto& [t, derived] : fresh) {
        if (auto issued = certificates_.issue(derived.certificates); !issued) return issued;
        derived_.emplace(t, std::move(derived));
    }
    postings_.push_back(std::move(posting));
    return {};
}

std::set<std::int64_t> Books::touched(const std::vector<Fact>& facts) const {
    std::set<std::int64_t> out;
    for (const Fact& fact : facts) {
        if (!lasting(fact.kind)) {
            if (derived_.contains(fact.interval)) out.insert(fact.interval);
            continue;
        }
        for (auto at = derived_.lower_bound(fact.interval); at != derived_.end(); ++at)
            out.insert(at->first);
    }
    return out;
}

Result<Books::Redone> Books::derive_again(const std::string& cause,
                                          const std::vector<Fact>& facts) const {
    Redone out;
    out.facts = facts_;
    for (const Fact& fact : facts)
        out.facts.set(fact);
    Transfers before;
    Transfers after;
    for (const std::int64_t t : touched(facts)) {
        auto derived = derive(contracts_, out.facts, t);
        if (!derived) return derived.error();
        const Derived& settled = derived_.at(t);
        const bool same = derived->transfers == settled.transfers &&
                          derived->certificates.issued == settled.certificates.issued;
        if (same) continue;
        before.insert(before.end(), settled.transfers.begin(), settled.transfers.end());
        after.insert(after.end(), derived->transfers.begin(), derived->transfers.end());
        note(out.cascade, settled, *derived);
        out.cascade.intervals.push_back(t);
        out.derived.emplace(t, *std::move(derived));
    }
    Cascade& cascade = out.cascade;
    cascade.posting.cause = cause;
    if (!cascade.intervals.empty()) {
        cascade.posting.first = cascade.intervals.front();
        cascade.posting.last = cascade.intervals.back();
    }
    cascade.posting.transfers = difference(before, after);
    for (const Transfer& one : cascade.posting.transfers)
        cascade.moved_micro_eur[one.product] += one.amount_micro_eur;
    cascade.gained_micro_eur = products::balances(cascade.posting.transfers);
    std::erase_if(cascade.certificates_wh, [](const auto& one) { return one.second == 0; });
    return out;
}

Result<Cascade> Books::cascade(const std::string& cause, const std::vector<Fact>& facts) const {
    auto redone = derive_again(cause, facts);
    if (!redone) return redone.error();
    return std::move(redone->cascade);
}

Result<Cascade> Books::correct(const std::string& cause, const std::vector<Fact>& facts) {
    auto redone = derive_again(cause, facts);
    if (!redone) return redone.error();
    for (auto& [t, derived] : redone->derived) {
        certificates_.correct(derived_.at(t).certificates, derived.certificates);
        derived_.at(t) = std::move(derived);
    }
    facts_ = std::move(redone->facts);
    postings_.push_back(redone->cascade.posting);
    return std::move(redone->cascade);
}

std::map<Account, MicroEur> Books::balances() const {
    std::map<Account, MicroEur> out;
    for (const Posting& posting : postings_)
        for (const auto& [account, gained] : products::balances(posting.transfers))
            out[account] += gained;
    return out;
}

std::map<std::string, std::map<Account, MicroEur>> Books::balances_by_product() const {
    std::map<std::string, std::map<Account, MicroEur>> out;
    for (const Posting& posting : postings_)
        for (const Transfer& one : posting.transfers) {
            out[one.product][one.from] -= one.amount_micro_eur;
            out[one.product][one.to] += one.amount_micro_eur;
        }
    for (auto& [product, accounts] : out)
        std::erase_if(accounts, [](const auto& one) { return one.second == 0; });
    return out;
}

}  // namespace kilter::products
