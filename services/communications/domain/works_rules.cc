#include "services/communications/domain/works_rules.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <map>

#include "helhed/communications/v1/errors.pb.h"
#include "services/platform/base/parent_name.h"
#include "services/platform/base/requests.h"
#include "services/platform/base/strings.h"

namespace helhed::communications {
namespace {

// How small an area is; 0 when the household is not in it.
int Nearness(v1::WorksArea const& area, Occupied const& household) {
  if (!area.dwelling().empty()) return area.dwelling() == household.dwelling ? 3 : 0;
  if (area.department() != household.department) return 0;
  if (!area.stairwell().empty()) return area.stairwell() == household.stairwell ? 2 : 0;
  return 1;
}

v1::WorksArea const* NearestArea(google::protobuf::RepeatedPtrField<v1::WorksArea> const& areas, Occupied const& household) {
  v1::WorksArea const* nearest = nullptr;
  int nearness = 0;
  for (auto const& area : areas) {
    int const here = Nearness(area, household);
    if (here <= nearness) continue;
    nearest = &area;
    nearness = here;
  }
  return nearest;
}

}  // namespace

absl::CivilDay AddPeriod(absl::CivilDay day, v1::NoticePeriod const& period) {
  auto const month = absl::CivilMonth(day) + period.months();
  auto const last = absl::CivilDay(month + 1) - 1;
  return std::min(absl::CivilDay(month) + (day.day() - 1), last) + period.days();
}

absl::Status CheckStart(absl::CivilDay start, absl::CivilDay earliest, v1::NoticePeriod const& period) {
  if (start >= earliest) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_START_WITHIN_NOTICE_PERIOD,
      "the works would begin within the notice period of a household; the first possible day is " + ToIsoDate(earliest),
      {{"start_date", ToIsoDate(start)}, {"earliest_start_date", ToIsoDate(earliest)}, {"notice_period", period.name()}});
}

void CheckAreas(google::protobuf::RepeatedPtrField<v1::WorksArea> const& areas, Period const& period, std::string_view field,
                std::vector<FieldViolation>& violations) {
  for (int i = 0; i < areas.size(); ++i) {
    auto const& area = areas[i];
    auto const at = absl::StrCat(Av(field), "[", i, "]");
    if (!area.stairwell().empty() && !area.dwelling().empty()) {
      violations.push_back({at + ".dwelling", "must not be given with a stairwell"});
    }
    auto const organisation = ParentName(area.department());
    if (!area.dwelling().empty() && ParentName(area.dwelling()) != organisation) {
      violations.push_back({at + ".dwelling", "must be of the department's organisation"});
    }
    if (!area.has_period()) continue;
    auto const own = ReadPeriod(area.period(), at + ".period", violations);
    if (own && !period.Contains(*own)) violations.push_back({at + ".period", "must be within the period of the notice"});
  }
}

void CheckWorksNotice(v1::WorksNotice const& notice, std::vector<FieldViolation>& violations) {
  bool const urgent = notice.kind() == v1::WORKS_KIND_URGENT;
  if (urgent && notice.urgent_reason().empty())
    violations.push_back({"works_notice.urgent_reason", "must say why they cannot wait"});
  if (!urgent && !notice.urgent_reason().empty())
    violations.push_back({"works_notice.urgent_reason", "is for URGENT works alone"});
  if (!notice.phase().empty() && !notice.phase().starts_with(notice.construction_project() + "/")) {
    violations.push_back({"works_notice.phase", "must be a phase of the project"});
  }
  auto const period = ReadPeriod(notice.period(), "works_notice.period", violations);
  if (period) CheckAreas(notice.areas(), *period, "works_notice.areas", violations);
}

std::vector<Touched> HouseholdsTouched(google::protobuf::RepeatedPtrField<v1::WorksArea> const& areas, Period const& period,
                                       std::span<Occupied const> households) {
  std::map<std::string, Touched> touched;
  for (auto const& household : households) {
    auto const* const area = NearestArea(areas, household);
    if (area == nullptr) continue;
    auto const when = area->has_period() ? StoredPeriod(area->period()) : period;
    touched.emplace(household.household, Touched{household.household, household.dwelling, when});
  }
  std::vector<Touched> all;
  all.reserve(touched.size());
  for (auto& [name, household] : touched) all.push_back(std::move(household));
  return all;
}

std::vector<Told> Reschedule(std::span<Told const> before, std::span<Touched const> after) {
  std::map<std::string, Told> result;
  for (auto const& household : after) result.emplace(household.household, Told{household});
  for (auto const& told : before) {
    auto const found = result.find(told.household.household);
    if (found == result.end()) {
      // Who heard that it is off is not told so again at every change after that.
      if (told.state == v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_TOLD) {
        result.emplace(told.household.household, told);
      } else if (told.informed) {
        result.emplace(told.household.household, Told{told.household, v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_WAITING, {}, true});
      }
      continue;
    }
    bool const knows = told.state == v1::WORKS_HOUSEHOLD_STATE_TOLD && told.household.period == found->second.household.period;
    if (knows) found->second = told;
    found->second.informed = told.informed;
  }
  std::vector<Told> all;
  all.reserve(result.size());
  for (auto& [name, told] : result) all.push_back(std::move(told));
  return all;
}

std::string NameOf(v1::WorksState state) { return v1::WorksState_Name(state).substr(sizeof("WORKS_STATE_") - 1); }

absl::Status RequireState(v1::WorksNotice const& notice, std::initializer_list<v1::WorksState> states) {
  if (std::find(states.begin(), states.end(), notice.state()) != states.end()) return absl::OkStatus();
  std::vector<std::string> needed;
  for (auto const state : states) needed.push_back(NameOf(state));
  auto const names = absl::StrJoin(needed, ", ");
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WORKS_STATE, "this needs the notice to be " + names,
               {{"works_notice", notice.name()}, {"state", NameOf(notice.state())}, {"needed", names}});
}

}  // namespace helhed::communications
