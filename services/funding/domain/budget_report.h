#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "helhed/funding/v1/budget.pb.h"
#include "helhed/funding/v1/report_service.pb.h"
#include "services/funding/domain/apportion.h"

// Budget against spent, by whatever is asked for; every row says which postings are behind it.
namespace helhed::funding {

struct ReportInput {
  // With the amounts, reserved and spent, of the date that is asked for.
  std::vector<v1::BudgetLine> lines;
  // By source: what its newest apportionment weighs departments with. A source of one department has one.
  std::map<std::string, std::vector<Weight>> departments;
  // ISO date until which postings count; empty where all do. Then what is reserved is left out: it is known for now only.
  std::string as_of_date;
};

// Errors: INVALID_ARGUMENT BAD_REQUEST when departments are asked for together with anything but the source: a source is split
// over departments as a whole, so that its parts sum to it to the øre.
absl::StatusOr<v1::BudgetReport> MakeBudgetReport(ReportInput const& input, std::set<v1::ReportDimension> const& dimensions);

}  // namespace helhed::funding
