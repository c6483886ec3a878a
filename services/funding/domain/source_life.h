#pragma once

#include <absl/status/status.h>
#include <absl/time/civil_time.h>

#include <optional>
#include <string_view>
#include <vector>

#include "helhed/funding/v1/source.pb.h"
#include "services/funding/domain/money.h"

// The life of a source: approved is not released, and released is not paid.
namespace helhed::funding {

// What somebody does to a source. Releasing and paying follow from the books.
enum class SourceAct { kPledge, kApprove, kRelease, kReserve, kLapse, kReconcile, kDemandRepayment, kRepay, kClose };

// What the books say of a source.
struct SourceTotals {
  Ore granted = 0;   // approved in all, without what lapsed and was paid back
  Ore approved = 0;  // of that: not released
  Ore released = 0;  // released, neither reserved nor paid
  Ore reserved = 0;
  Ore paid() const { return granted - approved - released - reserved; }
  Ore released_in_all() const { return granted - approved; }
};

// OK when the act is possible now. Errors: FAILED_PRECONDITION SOURCE_STATE_WRONG with the state and what is possible now;
// IN_KIND_NOT_PAID for releases and payments of hours; MONEY_NOT_SETTLED when there is money that the act would leave behind.
absl::Status CheckAct(v1::Source const& source, SourceAct act, SourceTotals const& totals);

// The state after the act.
v1::SourceState StateAfter(SourceAct act);

// The state of a source that is approved and not yet at its end, as its books have it.
v1::SourceState StateByTotals(SourceTotals const& totals);
// Whether the state follows from the books: approved, released, partly paid, paid.
bool FollowsFromTotals(v1::SourceState state);

// What somebody should look at.
std::vector<v1::SourceWarning> WarningsOf(v1::Source const& source, SourceTotals const& totals, bool in_budget,
                                          absl::CivilDay today, std::optional<absl::CivilDay> release_due);

}  // namespace helhed::funding
