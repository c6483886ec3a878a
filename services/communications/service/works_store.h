#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/works.pb.h"
#include "services/communications/domain/works_rules.h"
#include "services/platform/service/store.h"

// A works notice and the households below it.
namespace helhed::communications {

// With its areas, or NOT_FOUND.
absl::StatusOr<v1::WorksNotice> LoadWorksNotice(ReadTransaction& tx, std::string_view name);
// Adds their areas to notices of one plan.
absl::Status CompleteWorksNotices(ReadTransaction& tx, std::span<v1::WorksNotice* const> notices);
// The same with other writers kept away until the transaction ends; GONE_ON_ELSEWHERE when it has gone on in another plan.
absl::StatusOr<v1::WorksNotice> LockWorksNotice(WriteTransaction& tx, std::string_view name);

// Enters a notice with its areas, or stores a changed one; the second says where it is now, as AppendWorksChanged does.
absl::Status InsertWorksNotice(WriteTransaction& tx, v1::WorksNotice& notice);
absl::Status AppendWorksChanged(WriteTransaction& tx, v1::WorksNotice const& notice, v1::WorksState former);
absl::Status SaveWorksNotice(WriteTransaction& tx, v1::WorksNotice& notice, v1::WorksState former);

// The period for works of a kind that holds for households that are told on the day, or NO_RULE.
absl::StatusOr<v1::NoticePeriod> NoticePeriodOn(ReadTransaction& tx, v1::WorksKind kind, absl::CivilDay day);

// The households of a notice, by name.
absl::StatusOr<std::vector<Told>> LoadHouseholds(ReadTransaction& tx, std::string_view notice);
// Enters them below a notice that has none.
absl::Status EnterHouseholds(WriteTransaction& tx, v1::WorksNotice const& notice, std::span<Told const> households);
// Sets how many there are and how many wait.
void SetCounts(v1::WorksNotice& notice, std::span<Told const> households);
// Sets when the last household was told and when works may begin, from what the rows say. Absent while one waits (C1).
absl::Status ReckonDates(ReadTransaction& tx, v1::WorksNotice& notice);
// The first day on which works may begin at every household that was told so far; nullopt when there is none.
absl::StatusOr<std::optional<absl::CivilDay>> LatestStart(ReadTransaction& tx, std::string_view notice);

// When works of a kind may begin at households that are told on a day: the period of each day is looked up once.
class EarliestStarts {
 public:
  // `tx` must outlive it.
  EarliestStarts(ReadTransaction& tx, v1::WorksKind kind) : tx_(tx), kind_(kind) {}
  // Errors: as NoticePeriodOn.
  absl::StatusOr<absl::CivilDay> Of(absl::CivilDay delivery);

 private:
  ReadTransaction& tx_;
  v1::WorksKind kind_;
  std::map<absl::CivilDay, absl::CivilDay> starts_;
};

// A household that waits is told, on the day. True when it waited; HOUSEHOLD_NOT_AFFECTED when it is none of the notice.
absl::StatusOr<bool> Tell(WriteTransaction& tx, EarliestStarts& starts, std::string_view notice, std::string_view household,
                          absl::CivilDay day);
// All that wait are.
absl::Status TellAll(WriteTransaction& tx, EarliestStarts& starts, std::string_view notice, absl::CivilDay day);
// The latest first day that the law allows at a household where that is after the works touch it; nullopt when there is none.
absl::StatusOr<std::optional<absl::CivilDay>> LatestViolation(ReadTransaction& tx, std::string_view notice);

// When the delivery began.
absl::Status BeginDelivery(WriteTransaction& tx, std::string_view notice);
absl::StatusOr<absl::CivilDay> DeliveryBegan(ReadTransaction& tx, std::string_view notice);

}  // namespace helhed::communications
