/// The books of a feeder: settled interval by interval, corrected by what should have been, never rewritten.
///
/// A posting is final. A correction derives the intervals it touches again, from the corrected facts, and posts the
/// difference to what is in the books about them; so after it every account is where it would be had the facts been right
/// from the start, to the micro-EUR, and the way there can be read.
#pragma once

#include <set>

#include "common/products/derive.hpp"

namespace kilter::products {

/// What one cause did to the books.
struct Posting {
    std::string cause;  ///< "settlement", or what was corrected and why
    std::int64_t first = 0;
    std::int64_t last = 0;  ///< intervals
    Transfers transfers;    ///< netted per pair of accounts and product
};

/// What a correction would do, before anything is done.
struct Cascade {
    std::vector<std::int64_t> intervals;  ///< that come out differently
    Posting posting;
    std::map<std::string, MicroEur>
        moved_micro_eur;  ///< per product, what changes hands because of it
    std::map<Account, MicroEur> gained_micro_eur;  ///< per account, signed
    std::map<Account, Wh> certificates_wh;         ///< per account, signed; sums with production
};

class Books {
  public:
    explicit Books(Contracts contracts) : contracts_(std::move(contracts)) {}

    /// Before they are settled. A fact about a settled interval is refused: that takes a correction.
    Result<void> learn(const std::vector<Fact>& facts);
    /// Derives and posts the intervals from the last settled one up to and without `until`.
    Result<void> settle(std::int64_t first, std::int64_t until);

    /// The dry run.
    [[nodiscard]] Result<Cascade> cascade(const std::string& cause,
                                          const std::vector<Fact>& facts) const;
    /// Posts it. Error: as cascade(); nothing has changed.
    Result<Cascade> correct(const std::string& cause, const std::vector<Fact>& facts);

    [[nodiscard]] const std::vector<Posting>& postings() const { return postings_; }

    [[nodiscard]] const CertificateBook& certificates() const { return certificates_; }

    CertificateBook& certificates() { return certificates_; }

    /// Of all postings. Sums to zero.
    [[nodiscard]] std::map<Account, MicroEur> balances() const;
    /// Per product and account.
    [[nodiscard]] std::map<std::string, std::map<Account, MicroEur>> balances_by_product() const;

  private:
    struct Redone {
        Cascade cascade;
        std::map<std::int64_t, Derived> derived;
        Facts facts;
    };

    [[nodiscard]] Result<Redone> derive_again(const std::string& cause,
                                              const std::vector<Fact>& facts) const;
    /// Settled intervals that these facts bear on.
    [[nodiscard]] std::set<std::int64_t> touched(const std::vector<Fact>& facts) const;

    Contracts contracts_;
    Facts facts_;
    std::map<std::int64_t, Derived> derived_;  // as in the books now, per settled interval
    std::vector<Posting> postings_;
    CertificateBook certificates_;
};

}  // namespace kilter::products
