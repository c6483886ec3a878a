#include "services/funding/domain/plan_terms.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>

#include "helhed/funding/v1/errors.pb.h"
#include "services/platform/base/civil.h"

namespace helhed::funding {
namespace {

// Whether `path` (`voting.votes_per_household`) leads to a field of a regulation.
bool IsField(std::string_view path) {
  google::protobuf::Descriptor const* type = v1::Regulation::descriptor();
  while (type != nullptr) {
    auto const dot = path.find('.');
    auto const* const field = type->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr) return false;
    if (dot == std::string_view::npos) return true;
    path.remove_prefix(dot + 1);
    type = field->message_type();
  }
  return false;
}

bool HasFocusArea(v1::Regulation const& regulation, std::string_view id) {
  return std::any_of(regulation.focus_areas().begin(), regulation.focus_areas().end(),
                     [&](v1::FocusArea const& area) { return area.focus_area_id() == id; });
}

}  // namespace

void CheckMoney(common::v1::Money const& money, std::string_view field, std::vector<FieldViolation>& violations) {
  if (money.currency_code() != "DKK") {
    violations.push_back({absl::StrCat(Av(field), ".currency_code"), "must be DKK: plans are kept in kroner"});
  }
  if (money.minor_units() < 0) violations.push_back({absl::StrCat(Av(field), ".minor_units"), "must not be negative"});
}

void CheckPlan(v1::Plan const& plan, std::vector<FieldViolation>& violations) {
  auto const period = ToPeriod(plan.period(), "plan.period");
  if (!period.ok()) {
    for (auto& violation : ViolationsOf(period.status())) violations.push_back(std::move(violation));
  } else if (!period->end) {
    violations.push_back({"plan.period.end_date", "must be set: a plan has an end"});
  }
  CheckMoney(plan.budget_total(), "plan.budget_total", violations);
  for (int i = 0; i < plan.predecessors_size(); ++i) {
    if (plan.predecessors(i) == plan.name()) {
      violations.push_back({absl::StrCat("plan.predecessors[", i, "]"), "must be another plan"});
    }
  }
}

void CheckRegulation(v1::Regulation const& regulation, std::vector<FieldViolation>& violations) {
  auto const period = ToPeriod(regulation.period(), "regulation.period");
  for (auto& violation : ViolationsOf(period.status())) violations.push_back(std::move(violation));
  std::set<std::string> seen;
  for (int i = 0; i < regulation.focus_areas_size(); ++i) {
    if (!seen.insert(regulation.focus_areas(i).focus_area_id()).second) {
      violations.push_back(
          {absl::StrCat("regulation.focus_areas[", i, "].focus_area_id"), "must be used once within the regulation"});
    }
  }
  for (int i = 0; i < regulation.bases_size(); ++i) {
    if (!IsField(regulation.bases(i).field())) {
      violations.push_back({absl::StrCat("regulation.bases[", i, "].field"), "must be the path of a field of Regulation"});
    }
  }
}

absl::Status CheckUnder(v1::Regulation const& regulation, v1::Plan const& plan) {
  ASSIGN_OR_RETURN(auto const years, ToPeriod(regulation.period(), "regulation.period"));
  ASSIGN_OR_RETURN(auto const period, ToPeriod(plan.period(), "plan.period"));
  if (!years.Contains(period.start)) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_REGULATION_NOT_VALID,
                 Sv(absl::StrCat("a plan that starts on ", ToIsoDate(period.start), " is not under ", regulation.name(),
                                 ", which is for plans that start within ", ToIsoPeriod(years))),
                 {{"regulation", regulation.name()}, {"period", ToIsoPeriod(years)}, {"start_date", ToIsoDate(period.start)}});
  }
  for (auto const& focus_area : plan.focus_areas()) {
    if (!HasFocusArea(regulation, focus_area)) {
      // The id kept the pattern of its field, so it is no text that could be anything.
      return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_FOCUS_AREA_UNKNOWN,
                   Sv(absl::StrCat(regulation.name(), " has no focus area ", focus_area)),
                   {{"regulation", regulation.name()}, {"focus_area", focus_area}});
    }
  }
  return absl::OkStatus();
}

}  // namespace helhed::funding
